//! How plugins are found, run and ended.

use std::fs;
use std::time::{Duration, Instant};

use regcred_tests::{Node, Program};

use super::regcred;

#[test]
fn a_provider_configuration_requires_a_directory_of_plugins() {
    let done = regcred()
        .args(["explain", "--image-credential-provider-config=/c", "a.io/b"])
        .run();
    assert_eq!(done.code(), Some(4), "{}", done.stderr);
    assert!(done.stderr.contains("-bin-dir"), "{}", done.stderr);
}

#[test]
fn the_error_of_a_provider_that_is_not_configured_is_its_own() {
    let host = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
    let done = regcred()
        .args(["token", host])
        .env("REGCRED_ECR_ROLES", "nonsense")
        .run();
    assert!(
        done.fails(4).starts_with(&format!("{host}: ecr: ")),
        "{}",
        done.stderr
    );
    let done = regcred()
        .args(["token", "registry.example.com"])
        .env("REGCRED_ECR_ROLES", "nonsense")
        .run();
    assert_eq!(done.code(), Some(3), "{}", done.stderr);
}

#[test]
fn a_plugin_that_hangs_is_killed_at_the_deadline() {
    let mut node = Node::new();
    node.add_script("hanging", &["127.0.0.1:1"], "exec sleep 600\n");
    let started = Instant::now();
    let pulled = node.regcred("pull").arg("--store").arg(node.store());
    let pulled = pulled.args(["127.0.0.1:1/app:v1", "--plugin-deadline", "1s"]);
    let pulled = pulled.run();
    assert_ne!(pulled.code(), Some(0));
    assert_killed(&pulled.stderr);
    let explained = node
        .regcred("explain")
        .args(["127.0.0.1:1/app:v1", "--try"]);
    let explained = explained.env("REGCRED_PLUGIN_DEADLINE", "1s").run();
    assert_killed(&format!("{}{}", explained.stdout(), explained.stderr));
    // Far from the minute that each would take by itself.
    assert!(started.elapsed() < Duration::from_secs(50));
}

#[test]
fn a_plugin_runs_with_the_environment_of_the_process_that_is_named() {
    let mut node = Node::new();
    let seen = node.root().join("seen");
    let script = format!("/usr/bin/env > {}\nexit 3\n", seen.display());
    node.add_script("p", &["127.0.0.1:1"], &script);
    let mut kubelet = Program::new("/bin/sleep")
        .arg("600")
        .env("AWS_PROFILE", "canary")
        .start();
    let explain = |process: &str| {
        let mut program = node
            .regcred("explain")
            .args(["--try", "127.0.0.1:1/app:v1"]);
        if !process.is_empty() {
            program = program.args(["--environment-of", process]);
        }
        program.run()
    };
    let own = explain("").stdout();
    let names = "environment of this command, not of a kubelet: HOME\n";
    assert!(own.contains(names), "{own}");
    assert!(fs::read_to_string(&seen).expect("run").contains("HOME="));
    let pid = kubelet.id().to_string();
    let shown = explain(&pid).stdout();
    kubelet.kill();
    let names = format!("environment of process {pid}: AWS_PROFILE\n");
    assert!(
        shown.contains(&names) && !shown.contains("canary"),
        "{shown}"
    );
    let vars = fs::read_to_string(&seen).expect("run");
    assert!(
        vars.contains("AWS_PROFILE=canary") && !vars.contains("HOME="),
        "{vars}"
    );
    let missing = explain("no-such-process");
    assert_eq!(missing.code(), Some(4));
    let start = "--environment-of: no process is named \"no-such-process\"";
    assert!(missing.stderr.starts_with(start), "{}", missing.stderr);
}

fn assert_killed(text: &str) {
    assert!(text.contains("context deadline exceeded"), "{text}");
}
