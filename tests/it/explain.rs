//! `regcred explain`: every source in the kubelet's order, why each matched or not, and with
//! `--try` which login worked. Never a secret.

use regcred_tests::FakeGceMetadata;
use regcred_tests::cloud::Cloud as _;
use regcred_tests::oci_registry::Access;
use regcred_tests::{FakeRegistry, Image, Node, Program};
use serde_json::json;

#[test]
fn without_try_nothing_is_asked() {
    let stage = Stage::set();
    let said = stage.explain(&[]).run().success();
    for part in [
        STALE_FILE,
        "gcr-credential-provider",
        "*.pkg.dev",
        "would ask",
    ] {
        assert!(said.contains(part), "no {part} in:\n{said}");
    }
    assert_eq!(stage.cloud.calls(), 0);
    assert!(stage.registry.server().seen().is_empty());
}

#[test]
fn with_try_it_names_the_login_that_worked_and_shows_none() {
    let stage = Stage::set();
    for form in [&["--try"][..], &["--try", "--json"]] {
        let done = stage.explain(form).env("REGCRED_LOG", "trace").run();
        let said = done.success();
        for secret in stage.secrets() {
            assert!(!said.contains(&secret), "a secret in:\n{said}");
            assert!(!done.stderr.contains(&secret), "in: {}", done.stderr);
        }
    }
    assert!(stage.cloud.calls() > 0);
    let said = stage.explain(&["--try"]).run().success();
    let place = |text: &str| {
        said.find(text)
            .unwrap_or_else(|| panic!("no {text} in:\n{said}"))
    };
    assert!(
        place("failed in") < place("works ("),
        "secrets come first:\n{said}"
    );
    assert!(said.contains("works with"), "{said}");
    assert!(said.contains("gcr-credential-provider"), "{said}");
    let json = stage.explain(&["--try", "--json"]).run().json();
    assert!(json.is_object());
}

#[test]
fn an_image_that_no_source_matches_is_explained_too() {
    let stage = Stage::set();
    let explain = stage.node.regcred("explain");
    let said = explain.arg("registry.example.com/app").run().success();
    assert!(said.contains("not asked: no pattern matched"), "{said}");
    assert!(said.contains("anonymous"), "{said}");

    let nonsense = stage.node.regcred("explain").arg("NOT/an image").run();
    nonsense.fails(2);
}

#[test]
fn every_reason_for_which_a_kubelet_does_not_start_is_shown() {
    let dir = tempfile::tempdir().expect("a directory");
    let config = dir.path().join("config.yaml");
    let text = "apiVersion: kubelet.config.k8s.io/v1\nkind: CredentialProviderConfig\nproviders:\n\
                - name: missing\n  matchImages: [h.io, 'h.io:*']\n  defaultCacheDuration: -1h\n  \
                apiVersion: credentialprovider.kubelet.k8s.io/v1\n";
    std::fs::write(&config, text).expect("a file");
    let check = Program::ours("regcred").arg("check").arg("--json");
    let flags = [
        format!("--image-credential-provider-config={}", config.display()),
        format!(
            "--image-credential-provider-bin-dir={}",
            dir.path().display()
        ),
    ];
    let checked = check.args(&flags).run();
    let checked: serde_json::Value = serde_json::from_slice(checked.bytes()).expect("JSON");
    let whats = checked["findings"].as_array().expect("findings").iter();
    let errors = whats.filter(|one| one["severity"] == "error");
    let errors: Vec<_> = errors.filter_map(|one| one["what"].as_str()).collect();
    assert!(errors.len() >= 3, "{errors:?}");
    let explain = |form: &[&str]| {
        let explain = Program::ours("regcred").args(form).args(&flags);
        explain.arg("h.io/app").run()
    };
    let done = explain(&["explain"]);
    assert_eq!((done.code(), &*done.stderr), (Some(4), ""));
    let shown = done.stdout();
    for error in &errors {
        let lines = shown.lines();
        let lines = lines.filter(|line| line.contains(&format!(": {error}; fix: ")));
        assert_eq!(lines.count(), 1, "{error:?} in {shown}");
    }
    let verdict = "a kubelet exits at its start with this configuration: 3 errors,";
    let last = shown.lines().last().unwrap_or_default();
    assert!(last.starts_with(verdict), "{shown}");
    let done = explain(&["explain", "--json"]);
    let shown: serde_json::Value = serde_json::from_slice(done.bytes()).expect("JSON");
    assert_eq!(shown, checked);
    // So is one reason alone.
    std::fs::remove_file(&config).expect("removed");
    let done = explain(&["explain"]);
    assert_eq!((done.code(), &*done.stderr), (Some(4), ""));
    let (shown, verdict) = (done.stdout(), verdict.replace("3 errors", "1 error"));
    let is_last = shown
        .lines()
        .last()
        .is_some_and(|last| last.starts_with(&verdict));
    assert!(shown.contains("; fix: create it, ") && is_last, "{shown}");
}

/// A node with a stale pull secret and a plugin, both for one private image.
struct Stage {
    cloud: FakeGceMetadata,
    registry: FakeRegistry,
    node: Node,
    image: String,
}

impl Stage {
    fn set() -> Self {
        let cloud = FakeGceMetadata::start();
        let registry = FakeRegistry::start(Access::Bearer(cloud.logins().clone()));
        let (host, repository) = cloud.image().split_once('/').expect("host and path");
        registry.push(repository, "v1", &Image::single(61, 1, 1_000));
        let mut node = Node::new();
        node.add_plugin("gcr-credential-provider", &["*.pkg.dev"], &cloud.env());
        node.map_host(host, &registry.server().url());
        let stale = json!({"auths": {host: {"username": "_token", "password": STALE}}});
        std::fs::write(node.root().join(STALE_FILE), stale.to_string()).expect("a file");
        let image = format!("{}:v1", cloud.image());
        Self {
            cloud,
            registry,
            node,
            image,
        }
    }

    fn explain(&self, flags: &[&str]) -> Program {
        self.node
            .regcred("explain")
            .arg("--pull-secret")
            .arg(self.node.root().join(STALE_FILE))
            .args(flags)
            .arg(&self.image)
    }

    fn secrets(&self) -> Vec<String> {
        let mut secrets = self.cloud.secrets();
        secrets.extend(self.registry.tokens());
        secrets.push(STALE.to_owned());
        secrets
    }
}

const STALE: &str = "ya29.stale-c4n4ry";
const STALE_FILE: &str = "stale-secret.json";
