//! The engine as the command shows it: exactly the kubelet's answers, and the improvements by name.

use regcred_tests::Node;
use regcred_tests::server::{Reply, Seen, Server};
use serde_json::{Value, json};

const IMAGE: &str = "registry.example.com/team/app:v1";

#[test]
fn a_stale_login_fails_a_public_image_as_in_a_kubelet_unless_improved() {
    let registry = public_registry();
    let node = Node::new();
    node.map_host("registry.example.com", &registry.url());
    let config = node.root().join("docker.json");
    let auths = json!({"auths": {"registry.example.com": {"username": "u", "password": "stale"}}});
    std::fs::write(&config, auths.to_string()).expect("a file");
    let explain = || {
        node.regcred("explain")
            .arg("--docker-config")
            .arg(&config)
            .args(["--try", "--json", IMAGE])
    };
    // Denied, and nothing after it.
    let done = explain().run();
    assert_eq!(done.code(), Some(6));
    let said: Value = serde_json::from_str(&done.stdout()).expect("an object");
    assert_eq!(said["anonymous"], Value::Null, "{said}");

    let said = explain().args(["--improve", "anonymous-last"]).run().json();
    assert_eq!(said["anonymous"]["worked"], true, "{said}");
    let said = explain().env("REGCRED_IMPROVE", "all").run().json();
    assert_eq!(said["anonymous"]["worked"], true, "{said}");
}

#[test]
fn a_bad_entry_invalidates_its_file_unless_improved() {
    let node = Node::new();
    let config = node.root().join("docker.json");
    let auths = json!({"auths": {
        "other.example.com": {"auth": "no base64"},
        "registry.example.com": {"username": "alice", "password": "canary"},
    }});
    std::fs::write(&config, auths.to_string()).expect("a file");
    let explain = |improve: &str| {
        let explain = node.regcred("explain").arg("--docker-config").arg(&config);
        let explain = explain.env("REGCRED_IMPROVE", improve);
        explain.args(["--json", IMAGE]).run()
    };
    // The file was named, and nothing in it can be used.
    let done = explain("");
    let error = done.fails(4);
    assert!(
        error.contains("other.example.com") && !error.contains("canary"),
        "{error}"
    );
    let done = explain("skip-bad-entries");
    assert!(!done.success().contains("canary"));
    let left = &done.json()["candidates"];
    assert_eq!(left[0]["username"], "alice", "{left}");
}

#[test]
fn an_unknown_improvement_is_a_usage_error_that_lists_the_known_ones() {
    let node = Node::new();
    let done = node
        .regcred("explain")
        .args(["--improve", "faster", IMAGE])
        .run();
    assert_eq!(done.code(), Some(2));
    assert!(
        done.stderr.contains("one-run-per-registry"),
        "{}",
        done.stderr
    );
    let done = node
        .regcred("explain")
        .env("REGCRED_IMPROVE", "faster")
        .arg(IMAGE)
        .run();
    assert!(done.fails(2).contains("REGCRED_IMPROVE"), "{}", done.stderr);
}

/// A registry whose token server returns a token to anonymous requests, but refuses every login.
fn public_registry() -> Server {
    Server::start(|request: &Seen| {
        if request.path == "/token" {
            return match request.header("authorization") {
                Some(_) => Reply::json(401, &json!({})),
                None => Reply::json(200, &json!({"token": "anonymous"})),
            };
        }
        if request.header("authorization") != Some("Bearer anonymous") {
            let host = request.header("host").unwrap_or_default();
            let challenge = format!("Bearer realm=\"http://{host}/token\",service=\"test\"");
            return Reply::json(401, &json!({})).header("WWW-Authenticate", challenge);
        }
        let manifest = json!({"schemaVersion": 2});
        Reply::typed(
            200,
            "application/vnd.oci.image.manifest.v1+json",
            manifest.to_string(),
        )
    })
}
