//! `regcred pull` from Debian's docker-registry, with skopeo as the pusher and as the second
//! opinion on what we stored.

use std::collections::BTreeSet;
use std::path::Path;

use regcred_tests::FakeGceMetadata;
use regcred_tests::cloud::Cloud;
use regcred_tests::ecr::EcrCloud;
use regcred_tests::image::host_architecture;
use regcred_tests::registry::Access;
use regcred_tests::{
    FakeRegistry, Image, Logins, Node, Registry, Skopeo, Tls, TokenServer, oci_registry,
};
use serde_json::{Value, json};

#[test]
fn an_open_registry_serves_the_platform_of_this_machine() {
    let image = Image::multi_arch(11, 300_000, 2_000);
    let Some((_registry, name)) = serve(&Access::Open, &image, None) else {
        return;
    };
    let node = Node::new();
    let said = node.pull(&name).run().success();
    assert!(said.contains(image.digest()), "{said}");

    let child = image.platform(host_architecture());
    let mut expected: BTreeSet<String> = image.blobs_of(&child).into_iter().collect();
    expected.insert(child);
    expected.insert(image.digest().to_owned());
    assert_eq!(stored(&node), expected);
    second_opinion(&node, &name, &image, &[host_architecture()]);
}

#[test]
fn a_proxy_that_cannot_be_reached_is_named() {
    let node = Node::new();
    let done = node
        .pull("registry.invalid/team/app:v1")
        .env("HTTPS_PROXY", "http://alice:c4n4ry@127.0.0.1:9")
        .run();
    let error = done.fails(7);
    let expected = "cannot connect to the proxy 127.0.0.1:9 (HTTPS_PROXY): Connection refused";
    assert!(error.contains(expected), "{error}");
    assert!(
        !error.contains("alice") && !error.contains("c4n4ry"),
        "{error}"
    );
}

#[test]
fn all_platforms_come_on_demand() {
    let image = Image::multi_arch(12, 100_000, 2_000);
    let Some((_registry, name)) = serve(&Access::Open, &image, None) else {
        return;
    };
    let node = Node::new();
    let all = node.pull(&name).args(["--platform", "all"]).run();
    let _ = all.success();
    second_opinion(&node, &name, &image, &["amd64", "arm64"]);

    let other = Node::new();
    let arm = other.pull(&name).args(["--platform", "linux/arm64"]).run();
    let _ = arm.success();
    second_opinion(&other, &name, &image, &["arm64"]);
}

#[test]
fn htpasswd_takes_a_pull_secret_in_each_of_its_forms() {
    let image = Image::single(13, 2, 50_000);
    let login = ("alice", "s3cret");
    let access = Access::Htpasswd(login.0, login.1);
    let Some((registry, name)) = serve(&access, &image, Some(login)) else {
        return;
    };
    let config = docker_config(registry.authority(), "alice", "s3cret");
    let secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "pull", "namespace": "default"},
        "type": "kubernetes.io/dockerconfigjson",
        "stringData": {".dockerconfigjson": config.to_string()},
    });
    for (flag, text) in [
        ("--pull-secret", secret.to_string()),
        ("--pull-secret", config.to_string()),
        ("--docker-config", config.to_string()),
    ] {
        let node = Node::new();
        let file = node.root().join("login.json");
        std::fs::write(&file, &text).expect("a file");
        let pulled = node.pull(&name).arg(flag).arg(&file).run();
        assert!(pulled.success().contains(image.digest()), "{flag}");
        assert!(!pulled.stderr.contains("s3cret"), "{}", pulled.stderr);
    }
}

#[test]
fn a_token_registry_takes_what_the_real_plugins_got() {
    let (ecr, gcr) = (EcrCloud::start(), FakeGceMetadata::start());
    for (cloud, plugin, logins, pattern) in [
        (
            &ecr as &dyn Cloud,
            "ecr-credential-provider",
            ecr.logins(),
            "*.dkr.ecr.*.amazonaws.com",
        ),
        (&gcr, "gcr-credential-provider", gcr.logins(), "*.pkg.dev"),
    ] {
        let image = Image::multi_arch(14, 200_000, 1_000);
        let (host, repository) = cloud.image().split_once('/').expect("host and path");
        let Some((registry, tokens)) = token_registry(logins, repository, &image) else {
            return;
        };
        tokens.allow(cloud.username(), repository, &["pull"]);
        let mut node = Node::new();
        node.add_plugin(plugin, &[pattern], &cloud.env());
        node.map_host(host, &registry.url());
        let asked_before = tokens.server().count("/token");
        let name = format!("{}:v1", cloud.image());
        let pulled = node.pull(&name).run();
        assert!(pulled.success().contains(image.digest()));
        let asked = tokens.server().count("/token") - asked_before;
        assert_eq!(asked, 1, "one token serves manifests and blobs");
        assert_eq!(cloud.calls(), 1, "one plugin call serves the pull");
        second_opinion(&node, &name, &image, &[host_architecture()]);
        for secret in cloud.secrets() {
            assert!(!pulled.stderr.contains(&secret), "{}", pulled.stderr);
        }
    }
}

#[test]
fn a_stale_login_in_front_does_not_hide_the_plugin() {
    let gcr = FakeGceMetadata::start();
    let (host, repository) = gcr.image().split_once('/').expect("host and path");
    let image = Image::single(15, 1, 10_000);
    let Some((registry, tokens)) = token_registry(gcr.logins(), repository, &image) else {
        return;
    };
    tokens.allow(gcr.username(), repository, &["pull"]);
    let mut node = Node::new();
    node.add_plugin("gcr-credential-provider", &["*.pkg.dev"], &gcr.env());
    node.map_host(host, &registry.url());
    let file = node.root().join("stale.json");
    let stale = docker_config(host, "_token", "ya29.long-gone");
    std::fs::write(&file, stale.to_string()).expect("a file");
    let pulled = node.pull(gcr.image()).arg("--pull-secret").arg(&file).run();
    // The tag is `latest`, which was not pushed: now say which was.
    assert_ne!(pulled.code(), Some(0));
    let name = format!("{}:v1", gcr.image());
    let pulled = node.pull(&name).arg("--pull-secret").arg(&file).run();
    assert!(pulled.success().contains(image.digest()));
}

#[test]
fn json_lines_tell_machines_what_happened() {
    let image = Image::single(16, 3, 40_000);
    let Some((_registry, name)) = serve(&Access::Open, &image, None) else {
        return;
    };
    let node = Node::new();
    let done = node.pull(&name).arg("--json").run();
    let text = done.success();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON on each line"))
        .collect();
    let last = lines.last().expect("a result");
    assert!(last.to_string().contains(image.digest()), "{last}");
    for digest in image.blobs_of(image.digest()) {
        assert!(text.contains(&digest), "no word of {digest}: {text}");
    }
}

#[test]
fn a_private_ca_in_hosts_toml_is_trusted_and_no_other() {
    let tls = Tls::loopback();
    let gcr = FakeGceMetadata::start();
    let access = oci_registry::Access::Bearer(gcr.logins().clone());
    let registry = FakeRegistry::start_tls(access, &tls);
    let image = Image::single(17, 1, 10_000);
    let (host, repository) = gcr.image().split_once('/').expect("host and path");
    registry.push(repository, "v1", &image);
    let name = format!("{}:v1", gcr.image());

    let mut node = Node::new();
    node.add_plugin("gcr-credential-provider", &["*.pkg.dev"], &gcr.env());
    node.map_host(host, &registry.server().url());
    let done = node.pull(&name).arg("--quiet").run();
    let said = done.fails(7);
    assert!(said.contains("certificate"), "{said}");
    assert_eq!(
        registry.tokens_issued(),
        0,
        "no token is issued over an untrusted connection"
    );

    node.map_host_tls(host, &registry.server().url(), &tls.ca_file());
    let done = node.pull(&name).run();
    assert!(done.success().contains(image.digest()));
}

/// A docker-registry that already holds the image, and the image's name there.
fn serve(
    access: &Access<'_>,
    image: &Image,
    login: Option<(&str, &str)>,
) -> Option<(Registry, String)> {
    let registry = Registry::start(access)?;
    registry.push(image, "team/app:v1", login)?;
    let name = format!("{}/team/app:v1", registry.authority());
    Some((registry, name))
}

/// A docker-registry with token auth that already holds the image, and its token server, which
/// takes the logins of a fake cloud.
fn token_registry(
    logins: &Logins,
    repository: &str,
    image: &Image,
) -> Option<(Registry, TokenServer)> {
    let tokens = TokenServer::sharing(logins);
    logins.add("pusher", "push");
    tokens.allow("pusher", repository, &["pull", "push"]);
    let registry = Registry::start(&Access::Token(&tokens))?;
    registry.push(image, &format!("{repository}:v1"), Some(("pusher", "push")))?;
    Some((registry, tokens))
}

fn docker_config(host: &str, username: &str, password: &str) -> Value {
    json!({"auths": {host: {"username": username, "password": password}}})
}

/// The digests of the blobs in the node's store.
fn stored(node: &Node) -> BTreeSet<String> {
    files(&node.store().join("blobs/sha256"))
        .into_iter()
        .map(|name| format!("sha256:{name}"))
        .collect()
}

fn files(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).expect("a directory");
    entries
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect()
}

/// skopeo reads the same manifest from our layout, can copy all that it lists, and each platform.
fn second_opinion(node: &Node, name: &str, image: &Image, architectures: &[&str]) {
    let Some(skopeo) = Skopeo::find() else { return };
    let expected = match architectures {
        [one] => image.manifest(&image.platform(one)).expect("a child"),
        _ => image.root(),
    };
    assert_eq!(skopeo.raw(&node.store(), name), expected.bytes);
    let target = tempfile::tempdir().expect("a directory");
    let source = format!("oci:{}:{name}", node.store().display());
    let copy = format!("oci:{}:copy", target.path().display());
    let _ = skopeo.run(&["copy", "--all", &source, &copy]).success();
    assert_eq!(skopeo.raw(target.path(), "copy"), expected.bytes);
    for architecture in architectures {
        let manifest = skopeo.copy_out(&node.store(), name, architecture);
        let child = image.platform(architecture);
        let expected: Value =
            serde_json::from_slice(&image.manifest(&child).expect("a child").bytes).expect("JSON");
        assert_eq!(manifest, expected, "{architecture}");
    }
}
