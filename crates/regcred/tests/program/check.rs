//! The exit code and the JSON of a check.

use std::collections::BTreeSet;
use std::fs;

use regcred_tests::{Node, assert_matches_schema};
use serde_json::Value;

#[test]
fn a_check_that_finds_nothing_to_check_is_not_a_success() {
    let mut node = Node::new();
    let done = node.regcred("check").run();
    let verdict = "no provider configuration is named: 0 errors, 1 warning, 0 notes";
    assert_eq!(done.code(), Some(4), "{}", done.stderr);
    assert_eq!(done.stdout().lines().last(), Some(verdict));
    assert!(
        done.stdout()
            .contains("fix: set --image-credential-provider-config")
    );
    let json = node.regcred("check").arg("--json").run();
    assert_eq!(json.code(), Some(4));
    assert!(json.stdout().contains(verdict), "{}", json.stdout());
    let docker = node.root().join("home/config.json");
    fs::write(&docker, "{}").expect("a file");
    let found = node.regcred("check").run();
    assert_eq!(found.stdout().lines().last(), Some(verdict));
    assert_eq!(found.code(), Some(0), "the docker configuration is checked");
    fs::remove_file(docker).expect("removed");
    node.add_script("p", &["h.io"], "exit 1\n");
    let named = node.regcred("check").run();
    assert_eq!(named.code(), Some(0), "{}", named.stdout());
}

#[test]
fn the_json_has_the_published_form() {
    let mut node = Node::new();
    let json = |node: &Node| {
        let done = node.regcred("check").arg("--json").run();
        serde_json::from_slice::<Value>(done.bytes()).expect("one object")
    };
    assert_matches_schema(&json(&node), "check");
    node.add_script("p", &["*.io", "h.io/*"], "exit 1\n");
    node.add_provider("missing", &["HTTPS://x"], &[]);
    fs::write(node.root().join("home/config.json"), "{").expect("a file");
    let found = json(&node);
    assert_matches_schema(&found, "check");
    let severities = found["findings"].as_array().expect("a list").iter();
    let severities: BTreeSet<_> = severities
        .filter_map(|one| one["severity"].as_str())
        .collect();
    assert!(
        severities.is_superset(&["error", "warning"].into()),
        "{found:#}"
    );
    assert!(found["kubeletError"].is_string(), "{found:#}");
    let changed = [
        ("what", Value::Null),
        ("severity", "bad".into()),
        ("more", "x".into()),
    ];
    for (field, value) in changed {
        let mut wrong = found.clone();
        wrong["findings"][0][field] = value;
        let refused = std::panic::catch_unwind(|| assert_matches_schema(&wrong, "check"));
        assert!(refused.is_err(), "the schema does not look at {field}");
    }
}
