//! Plugins that are missing, broken or endless. A plugin that fails returns no login; other sources
//! still count, and the failure is reported if the pull fails without a login.

use regcred_tests::oci_registry::Access;
use regcred_tests::{FakeRegistry, Finished, Image, Logins, Node, Program, until};

use super::{assert_sound, pull};

#[test]
fn a_missing_plugin_is_an_error_of_the_configuration() {
    let mut node = Node::new();
    node.add_provider("nowhere-provider", &["*.example.com"], &[]);
    let done = pull(&node, "registry.example.com/app:v1").run();
    let error = done.fails(4);
    assert!(error.contains("nowhere-provider"), "{error}");
}

#[test]
fn the_output_of_a_broken_plugin_is_not_shown_but_its_failure_is() {
    for (script, expected) in [
        ("echo 'password: c4n4ry'", "broken-provider"),
        (
            "echo c4n4ry; echo 'no role here' >&2; exit 3",
            "no role here",
        ),
        ("exec head -c 1000000000 /dev/zero", "broken-provider"),
        ("kill -9 $$", "killed"),
    ] {
        let done = pull_with(script);
        assert_eq!(done.code(), Some(6), "{script}: {}", done.stderr);
        assert!(done.stderr.contains(expected), "{script}: {}", done.stderr);
        assert!(!done.stderr.contains("c4n4ry"), "{}", done.stderr);
    }
}

#[test]
fn a_plugin_that_takes_long_is_named_while_it_runs() {
    let mut node = Node::new();
    node.add_script("slow-provider", &["*.example.com"], "sleep 3; exit 1");
    let done = node
        .pull("registry.example.com/app:v1")
        .env("PATH", "/usr/bin:/bin")
        .run();
    let lines = &done.stderr;
    assert!(
        lines.starts_with("waiting for plugin slow-provider ...\n"),
        "{lines}"
    );
}

/// That a plugin is killed at the kubelet's minute is tested with the engine, on a shorter one.
#[test]
fn a_hanging_plugin_ends_with_the_pull_that_is_stopped() {
    let registry = FakeRegistry::start(Access::Basic(Logins::new()));
    let mut node = Node::new();
    let file = node.root().join("pid");
    let script = format!(
        "sleep 600 & echo $! > {0}.new; mv {0}.new {0}; wait",
        file.display()
    );
    node.add_script("hanging-provider", &["*.example.com"], &script);
    node.map_host("registry.example.com", &registry.server().url());
    let mut running = pull(&node, "registry.example.com/app:v1")
        .env("PATH", "/usr/bin:/bin")
        .start();
    until("the plugin", || file.exists());
    assert!(!running.has_ended(), "it ended");
    let stop = format!("kill -TERM {}", running.id());
    let _ = Program::new("/bin/sh").args(["-c", &stop]).run().success();
    let done = running.finish();
    assert_eq!(done.code(), Some(143), "{}", done.stderr);

    let sleeper = std::fs::read_to_string(file).expect("a process id");
    let status = format!("/proc/{}/status", sleeper.trim());
    let alive = || {
        let status = std::fs::read_to_string(&status).unwrap_or_default();
        !status.is_empty() && !status.contains("State:\tZ")
    };
    until("the end of the plugin's own child", || !alive());
}

/// A pull from a registry that demands a login, whose only source is that script.
fn pull_with(script: &str) -> Finished {
    let registry = FakeRegistry::start(Access::Basic(Logins::new()));
    registry.push("app", "v1", &Image::single(51, 1, 100));
    let mut node = Node::new();
    node.add_script("broken-provider", &["*.example.com"], script);
    node.map_host("registry.example.com", &registry.server().url());
    let done = pull(&node, "registry.example.com/app:v1").run();
    assert_sound(&node.store());
    done
}
