//! The exit code of a check.

use std::fs;

use regcred_tests::Node;

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
