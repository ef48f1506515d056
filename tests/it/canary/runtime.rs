//! Pulls by a container runtime that repeats the login that it was sent.

use regcred_tests::canary::VERBOSE;
use regcred_tests::{Canary, FakeRuntime, Node};
use serde_json::json;

#[test]
fn nothing_that_a_container_runtime_repeats_is_shown_by_a_prepull() {
    let node = Node::new();
    let runtime = FakeRuntime::start(node.root(), &node.hosts_dir());
    runtime.repeat_logins();
    let login = json!({"auths": {"registry.canary.test": {"username": "a", "password": PASSWORD}}});
    let secret = node.root().join("login.json");
    std::fs::write(&secret, login.to_string()).expect("a file");
    let mut canary = Canary::default();
    canary.look_for([PASSWORD.to_owned()], "prepull");
    let one = "registry.canary.test/team/app:v1";
    let two = "registry.canary.test/team/other:v1";
    for args in [
        &[one][..],
        &[one, two, "--json"],
        &[one, "--quiet"],
        &[one, "--policy", "Always", "--parallel", "1"],
    ] {
        let done = node
            .regcred("prepull")
            .args(["--retries", "1", "--runtime-endpoint", &runtime.endpoint()])
            .args(args)
            .arg("--pull-secret")
            .arg(&secret)
            .env("REGCRED_LOG", VERBOSE)
            .run();
        let context = format!("{args:?}");
        assert_ne!(done.code(), Some(0), "{context}: {}", done.stderr);
        let shown = done.stdout() + &done.stderr;
        assert!(shown.contains("[secret]"), "{context}: {shown}");
        canary.search_output(&context, &done);
    }
    let logins = runtime.pulls().into_iter().filter_map(|pull| pull.username);
    assert!(logins.count() >= 4, "the login was sent");
    canary.end(5_000);
}

const PASSWORD: &str = "p4ss?/\"+&word-c4n4ry-77ab";
