//! `regcred prepull` into a container runtime with the true wire format.

mod endings;
mod real_containerd;

use std::path::PathBuf;

use regcred_tests::cloud::Cloud;
use regcred_tests::ecr::EcrCloud;
use regcred_tests::icr::IcrCloud;
use regcred_tests::oci_registry::Access;
use regcred_tests::program::Program;
use regcred_tests::{FakeGceMetadata, FakeRegistry, FakeRuntime, Image, Logins, Node};
use serde_json::{Value, json};

/// A node with a runtime, before any image.
struct Bench {
    node: Node,
    runtime: FakeRuntime,
}

impl Bench {
    fn new() -> Self {
        let node = Node::new();
        let runtime = FakeRuntime::start(node.root(), &node.hosts_dir());
        Self { node, runtime }
    }

    fn prepull(&self, args: &[&str]) -> Program {
        self.node
            .regcred("prepull")
            .args(["--runtime-endpoint", &self.runtime.endpoint()])
            .args(args)
    }

    fn login_file(&self, name: &str, user: &str, password: &str) -> PathBuf {
        let file = self.node.root().join(name);
        let login = json!({"auths": {HOST: {"username": user, "password": password}}});
        std::fs::write(&file, login.to_string()).expect("a file");
        file
    }
}

const HOST: &str = "registry.example.com";
const IMAGE: &str = "registry.example.com/team/app:v1";

/// A private registry behind `HOST` with that image.
fn private(bench: &Bench, image: &Image) -> FakeRegistry {
    let registry = FakeRegistry::start(Access::Basic(Logins::of("alice", "c4n4ry")));
    registry.push("team/app", "v1", image);
    bench.node.map_host(HOST, &registry.server().url());
    registry
}

fn lines(text: &str) -> Vec<Value> {
    let lines = text.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().expect("JSON lines")
}

#[test]
fn private_images_of_three_clouds_come_with_the_plugins_logins_and_a_second_run_asks_no_registry() {
    let mut bench = Bench::new();
    let (ecr, gcr, icr) = (
        EcrCloud::start(),
        FakeGceMetadata::start(),
        IcrCloud::start(),
    );
    let clouds: [(&dyn Cloud, &str, &Logins); 3] = [
        (&ecr, "ecr-credential-provider", ecr.logins()),
        (&gcr, "gcr-credential-provider", gcr.logins()),
        (&icr, "icr-credential-provider", icr.logins()),
    ];
    let (mut registries, mut images) = (Vec::new(), Vec::new());
    for (at, (cloud, plugin, logins)) in (0..).zip(clouds) {
        let image = Image::multi_arch(60 + at, 50_000, 1_000);
        let (host, repository) = cloud.image().split_once('/').expect("host and path");
        let registry = FakeRegistry::start(Access::Bearer(logins.clone()));
        registry.push(repository, "v1", &image);
        bench.node.map_host(host, &registry.server().url());
        bench.node.add_plugin(plugin, &[host], &cloud.env());
        registries.push(registry);
        images.push((
            format!("{}:v1", cloud.image()),
            image,
            plugin,
            cloud.username(),
        ));
    }
    let names: Vec<_> = images.iter().map(|(name, ..)| name.as_str()).collect();

    let done = bench.prepull(&names).arg("--json").run();
    let said = lines(&done.success());
    for (name, image, plugin, user) in &images {
        let line = said.iter().find(|line| line["image"] == name.as_str());
        let line = line.unwrap_or_else(|| panic!("{name} in {said:?}"));
        assert_eq!(line["event"], "pulled", "{line}");
        assert_eq!(line["digest"], image.digest(), "{line}");
        assert_eq!(
            line["credential"]["source"],
            format!("plugin {plugin}"),
            "{line}"
        );
        assert_eq!(line["credential"]["username"], *user, "{line}");
        assert!(line["bytes"].as_u64() > Some(50_000), "{line}");
    }
    let summary = said.last().expect("a summary");
    assert_eq!(
        (&summary["event"], &summary["pulled"]),
        (&json!("summary"), &json!(3))
    );
    for secret in clouds.iter().flat_map(|(cloud, ..)| cloud.secrets()) {
        assert!(!done.stderr.contains(&secret) && !done.stdout().contains(&secret));
    }

    let seen = || {
        registries
            .iter()
            .map(|one| one.server().seen().len())
            .sum::<usize>()
    };
    let (asked, calls) = (seen(), ecr.calls() + gcr.calls() + icr.calls());
    let said = lines(&bench.prepull(&names).arg("--json").run().success());
    assert_eq!(
        (&said[3]["present"], &said[3]["pulled"]),
        (&json!(3), &json!(0))
    );
    let done = bench.prepull(&names).arg("--check").run();
    assert_eq!(done.success().lines().count(), 3);
    assert_eq!(seen(), asked, "no registry was asked");
    assert_eq!(
        ecr.calls() + gcr.calls() + icr.calls(),
        calls,
        "no login was asked for"
    );
}

#[test]
fn each_credential_has_its_turn_as_in_a_kubelet() {
    let bench = Bench::new();
    let image = Image::single(64, 1, 10_000);
    let _registry = private(&bench, &image);
    let stale = bench.login_file("stale.json", "bob", "old");
    let good = bench.login_file("good.json", "alice", "c4n4ry");
    let done = bench
        .prepull(&[IMAGE])
        .arg("--pull-secret")
        .arg(stale)
        .arg("--pull-secret")
        .arg(good)
        .run();
    let expected = format!("{HOST}/team/app@{}\n", image.digest());
    assert_eq!(done.success(), expected);
    let users: Vec<_> = bench
        .runtime
        .pulls()
        .into_iter()
        .map(|pull| pull.username)
        .collect();
    assert_eq!(users, [Some("bob".to_owned()), Some("alice".to_owned())]);
    for part in [
        "Pulling image \"registry.example.com/team/app:v1\"",
        "Successfully pulled image \"registry.example.com/team/app:v1\" in ",
        "refused before: ",
        "stale.json (key registry.example.com, user bob)",
        "works with ",
        "1 image: 1 pulled (",
        "; fake v1.2.3 at ",
    ] {
        assert!(done.stderr.contains(part), "{part:?} in {}", done.stderr);
    }
    assert!(!done.stderr.contains("c4n4ry"), "{}", done.stderr);
}

#[test]
fn without_a_login_there_is_one_anonymous_pull_and_its_refusal_is_final() {
    let bench = Bench::new();
    let _registry = private(&bench, &Image::single(65, 1, 1_000));
    let done = bench.prepull(&[IMAGE, "--json"]).run();
    assert_eq!(done.code(), Some(6), "{}", done.stderr);
    let said = lines(&done.stdout());
    assert_eq!(
        (&said[0]["event"], &said[0]["reason"]),
        (&json!("failed"), &json!("ErrImagePull"))
    );
    let error = said[0]["error"].as_str().expect("a text");
    assert!(
        error.starts_with("Failed to pull image \"registry.example.com/team/app:v1\": failed to "),
        "{error}"
    );
    assert_eq!(said[1]["failed"], 1);
    let pulls = bench.runtime.pulls();
    assert_eq!((pulls.len(), &pulls[0].username), (1, &None));
}

#[test]
fn a_check_pulls_nothing_and_names_what_is_missing() {
    let bench = Bench::new();
    let registry = FakeRegistry::start(Access::Open);
    registry.push("team/app", "v1", &Image::single(66, 1, 1_000));
    bench.node.map_host(HOST, &registry.server().url());
    let other = "registry.example.com/team/other:v1";
    let _ = bench.prepull(&[IMAGE]).run().success();
    let pulls = bench.runtime.pulls().len();
    let done = bench.prepull(&["--check", IMAGE, other]).run();
    assert_eq!(done.code(), Some(1), "{}", done.stderr);
    assert!(
        done.stderr
            .contains("team/other:v1: missing in the runtime"),
        "{}",
        done.stderr
    );
    assert!(
        done.stderr.contains("2 images: 1 present, 1 missing"),
        "{}",
        done.stderr
    );
    let said = lines(&bench.prepull(&["--check", "--json", other]).run().stdout());
    assert_eq!(
        (&said[0]["event"], &said[1]["missing"]),
        (&json!("missing"), &json!(1))
    );
    assert_eq!(bench.runtime.pulls().len(), pulls);
}

#[test]
fn lists_and_manifests_are_pulled_with_a_bound_on_what_runs_at_once() {
    let bench = Bench::new();
    let registry = FakeRegistry::start(Access::Open);
    bench.node.map_host(HOST, &registry.server().url());
    let mut list = "# a list\n".to_owned();
    for at in 0..9 {
        registry.push(
            &format!("team/app-{at}"),
            "v1",
            &Image::single(70 + at, 1, 2_000),
        );
        list.push_str(&format!("{HOST}/team/app-{at}:v1\n"));
    }
    let file = bench.node.root().join("images.txt");
    std::fs::write(&file, list).expect("a file");
    let pod = format!(
        "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: {HOST}/team/app-0:v1\n"
    );
    let done = bench
        .prepull(&["--parallel", "3", "-f", "-", "-f"])
        .arg(&file)
        .stdin(pod)
        .run();
    assert_eq!(
        done.success().lines().count(),
        9,
        "an image of both lists is pulled once"
    );
    assert_eq!(bench.runtime.pulls().len(), 9);
    assert!(
        bench.runtime.most_at_once() <= 3,
        "{}",
        bench.runtime.most_at_once()
    );
    assert!(
        done.stderr.contains("9 images: 9 pulled"),
        "{}",
        done.stderr
    );
}

#[test]
fn a_login_is_for_every_server_of_the_runtime_as_from_a_kubelet_unless_it_is_withheld() {
    let bench = Bench::new();
    let _registry = private(&bench, &Image::single(67, 1, 1_000));
    let good = bench.login_file("good.json", "alice", "c4n4ry");
    for (improve, server) in [
        ("", ""),
        ("withhold-from-mirrors", "https://registry.example.com"),
    ] {
        let args = ["--policy", "Always", IMAGE];
        let done = bench
            .prepull(&args)
            .env("REGCRED_IMPROVE", improve)
            .arg("--pull-secret")
            .arg(&good);
        let _ = done.run().success();
        let pulls = bench.runtime.pulls();
        assert_eq!(pulls.last().map(|pull| pull.server.as_str()), Some(server));
    }
}

#[test]
fn crictls_variable_names_the_runtime_and_an_endpoint_where_nothing_answers_is_named() {
    let bench = Bench::new();
    let done = bench
        .node
        .regcred("prepull")
        .args(["--check", IMAGE])
        .env("CONTAINER_RUNTIME_ENDPOINT", bench.runtime.endpoint())
        .run();
    assert_eq!(done.code(), Some(1), "{}", done.stderr);
    let done = bench
        .node
        .regcred("prepull")
        .args(["--runtime-endpoint", "unix:///nonexistent/a.sock", IMAGE])
        .run();
    let error = &done.stderr;
    let expected = "--runtime-endpoint: cannot reach the container runtime at /nonexistent/a.sock: No such file";
    assert!(error.contains(expected), "{error}");
    assert_eq!(done.code(), Some(7), "{error}");
}

#[test]
fn a_record_is_what_a_kubelet_writes_and_demands_the_pull_secret() {
    let bench = Bench::new();
    let image = Image::single(68, 1, 1_000);
    let _registry = private(&bench, &image);
    let config = json!({"auths": {HOST: {"username": "alice", "password": "c4n4ry"}}}).to_string();
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockerconfigjson",
        "metadata": {"name": "regcred", "namespace": "team", "uid": "0a1b"},
        "stringData": {".dockerconfigjson": config},
    });
    let file = bench.node.root().join("secret.json");
    std::fs::write(&file, secret.to_string()).expect("a file");
    let done = bench
        .prepull(&["--record", IMAGE])
        .arg("--pull-secret")
        .arg(file)
        .run();
    if done.stderr.contains("a kubelet runs on this node") {
        assert_eq!(done.code(), Some(4));
        return;
    }
    let _ = done.success();
    let records = bench.node.root().join("home/image_manager/pulled");
    let mut files = std::fs::read_dir(records).expect("records");
    let file = files.next().expect("a record").expect("an entry").path();
    let text = std::fs::read_to_string(file).expect("a file");
    let record: Value = serde_json::from_str(&text).expect("JSON");
    let known = &record["credentialMapping"]["registry.example.com/team/app"];
    let secret = &known["kubernetesSecrets"][0];
    assert_eq!(
        (&secret["namespace"], &secret["name"]),
        (&json!("team"), &json!("regcred")),
        "{record}"
    );
    assert_eq!(known.get("nodePodsAccessible"), None, "{record}");
    assert!(files.next().is_none());
    let intents = bench.node.root().join("home/image_manager/pulling");
    assert_eq!(std::fs::read_dir(intents).expect("intents").count(), 0);
}
