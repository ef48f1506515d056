//! kubectl reads every command of its own in the pages: what fails is the connection to a cluster, and nothing before it.

use regcred_tests::need::{need, workspace};
use regcred_tests::{ClosedPort, Program};
use serde_json::Value;
use tempfile::tempdir;

use super::shell::commands;

#[tokio::test]
async fn kubectl_accepts_its_commands_in_the_pages() {
    let Some(kubectl) = need("kubectl") else {
        return;
    };
    let (home, closed) = (tempdir().expect("a directory"), ClosedPort::take());
    let kubectl = Program::new(kubectl)
        .env("HOME", home.path())
        .current_dir(workspace());
    let version = kubectl
        .clone()
        .args(["version", "--client", "--output=json"])
        .run()
        .success();
    let version: Value = serde_json::from_str(&version).expect("JSON");
    let minor = version["clientVersion"]["minor"]
        .as_str()
        .unwrap_or_default();
    let minor: u32 = minor.trim_end_matches('+').parse().expect("a number");
    // `kubectl debug --profile=sysadmin` is the youngest.
    if minor < 27 {
        return eprintln!("SKIPPED: kubectl 1.{minor} does not know commands of the pages");
    }
    let server = format!("--server=http://{}", closed.authority());
    let object = r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}"#;
    let commands: Vec<_> = commands()
        .into_iter()
        .filter(|one| one.program() == "kubectl")
        .collect();
    assert!(
        commands.len() >= 30,
        "the commands are found: {}",
        commands.len()
    );
    for command in commands {
        let kubectl = kubectl.clone().arg(&server).args(&command.words[1..]);
        let done = kubectl.stdin(object).run();
        let line = command.words.join(" ");
        assert!(
            done.stderr.contains(" refused"),
            "{}: {line}: {}",
            command.page,
            done.stderr
        );
    }
}
