//! Everything that goes wrong in a pull: one clear line, the right exit code, and nothing in the
//! store that is not whole.

mod interrupted;
mod plugins;

use regcred_tests::oci_registry::{Access, Fault};
use regcred_tests::{ClosedPort, FakeRegistry, Image, Logins, Node, Program, assert_sound};
use serde_json::{Value, json};

#[test]
fn a_registry_that_is_down_is_unreachable() {
    let closed = ClosedPort::take();
    let host = closed.authority();
    let node = Node::new();
    let done = pull(&node, &format!("{host}/team/app:v1")).run();
    let error = done.fails(7);
    assert!(error.contains(&host), "which? {error}");
    assert_sound(&node.store());
}

#[test]
fn a_wrong_password_is_denied_and_not_shown() {
    for access in [
        Access::Basic(Logins::of("user", "right")),
        Access::Bearer(Logins::of("user", "right")),
    ] {
        let registry = FakeRegistry::start(access);
        registry.push("team/app", "v1", &Image::single(31, 1, 100));
        let node = Node::new();
        let host = registry.server().authority();
        let login = json!({"auths": {&host: {"username": "user", "password": "wr0ng-c4n4ry"}}});
        let file = node.root().join("login.json");
        std::fs::write(&file, login.to_string()).expect("a file");
        let name = format!("{host}/team/app:v1");
        let done = pull(&node, &name)
            .arg("--pull-secret")
            .arg(&file)
            .env("REGCRED_LOG", "trace")
            .run();
        assert_eq!(done.code(), Some(6), "{}", done.stderr);
        assert!(!done.stderr.contains("wr0ng-c4n4ry"), "{}", done.stderr);
        let quiet = pull(&node, &name).arg("--pull-secret").arg(&file).run();
        assert!(quiet.fails(6).contains("login.json"), "which login?");
        assert_sound(&node.store());
        // Without any login it is refused as well.
        pull(&node, &name).run().fails(6);
    }
}

#[test]
fn a_missing_image_is_named() {
    let registry = FakeRegistry::start(Access::Open);
    let node = Node::new();
    let name = format!("{}/team/none:v1", registry.server().authority());
    let done = pull(&node, &name).run();
    assert_ne!(done.code(), Some(0));
    assert!(done.stderr.contains(&name), "{}", done.stderr);
    assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
}

#[test]
fn a_bad_name_is_a_usage_error() {
    let node = Node::new();
    for name in [
        "",
        "host.example/UPPER",
        "a b",
        "host:port/x",
        "x@sha256:12",
    ] {
        let done = pull(&node, name).run();
        assert_eq!(done.code(), Some(2), "{name:?}: {}", done.stderr);
        assert!(!node.store().join("index.json").exists(), "{name:?}");
    }
}

#[test]
fn wrong_bytes_are_never_stored() {
    let image = Image::multi_arch(32, 200_000, 1_000);
    let child = image.platform(regcred_tests::image::host_architecture());
    let layer = image.blobs_of(&child)[1].clone();
    for digest in [&child, &layer] {
        let (registry, name) = serve(&image);
        registry.set_fault(digest, Some(Fault::Corrupt));
        let node = Node::new();
        let done = pull(&node, &name).run();
        let error = done.fails(8);
        assert!(error.contains(digest.as_str()), "which? {error}");
        assert!(!blob(&node, digest).exists(), "a wrong blob was published");
        assert_sound(&node.store());
        assert!(names(&node).is_empty(), "a broken image has a name");

        registry.set_fault(digest, None);
        let _ = pull(&node, &name).run().success();
        assert_sound(&node.store());
    }
}

#[test]
fn a_connection_that_breaks_once_is_resumed() {
    let image = Image::single(33, 1, 3_000_000);
    let layer = image.blobs_of(image.digest())[1].clone();
    let (registry, name) = serve(&image);
    registry.fail_next(&layer, 1, Fault::CutAfter(1_000_000));
    let node = Node::new();
    let _ = pull(&node, &name).run().success();
    assert_sound(&node.store());
    let asked = registry.server().seen();
    let ranges: Vec<&str> = asked.iter().filter_map(|r| r.header("range")).collect();
    assert!(
        !ranges.is_empty(),
        "the download started again instead of resuming"
    );
    let encodings = asked.iter().filter_map(|r| r.header("accept-encoding"));
    assert!(encodings.into_iter().all(|e| e == "identity"));
}

/// An open registry that holds the image, and the image's name there.
fn serve(image: &Image) -> (FakeRegistry, String) {
    let registry = FakeRegistry::start(Access::Open);
    registry.push("team/app", "v1", image);
    let name = format!("{}/team/app:v1", registry.server().authority());
    (registry, name)
}

/// A pull that prints only its result or its failure.
fn pull(node: &Node, name: &str) -> Program {
    node.pull(name).arg("--quiet")
}

fn blob(node: &Node, digest: &str) -> std::path::PathBuf {
    let hex = digest.trim_start_matches("sha256:");
    node.store().join("blobs/sha256").join(hex)
}

/// The entries of the store's index.
fn names(node: &Node) -> Vec<Value> {
    let Ok(index) = std::fs::read(node.store().join("index.json")) else {
        return Vec::new();
    };
    let index: Value = serde_json::from_slice(&index).expect("a whole index.json");
    index["manifests"].as_array().cloned().unwrap_or_default()
}
