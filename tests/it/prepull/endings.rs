//! How runs end that do not go well.

use regcred_tests::oci_registry::Access;
use regcred_tests::{FakeRegistry, FakeRuntime, Image, Program, until};
use serde_json::json;
use tonic::Status;

use super::{Bench, HOST, IMAGE, lines};

fn open(bench: &Bench) -> FakeRegistry {
    let registry = FakeRegistry::start(Access::Open);
    registry.push("team/app", "v1", &Image::single(80, 1, 1_000));
    bench.node.map_host(HOST, &registry.server().url());
    registry
}

#[test]
fn a_failure_that_may_pass_is_tried_again() {
    let bench = Bench::new();
    let _registry = open(&bench);
    let answers = [
        Status::unknown("unexpected status code: 503 Service Unavailable"),
        Status::unavailable("the server is shutting down"),
    ];
    for answer in answers {
        bench.runtime.fail_next(answer);
    }
    let done = bench.prepull(&[IMAGE]).run();
    assert!(done.success().contains("@sha256:"));
    assert!(done.stderr.contains("attempt 3 in "), "{}", done.stderr);
    assert_eq!(bench.runtime.pulls().len(), 3);
}

#[test]
fn a_full_disk_is_final_and_says_what_to_do() {
    let bench = Bench::new();
    let _registry = open(&bench);
    let text = "failed to extract layer: write /var/lib/x: no space left on device: unknown";
    bench.runtime.fail_next(Status::unknown(text));
    let done = bench.prepull(&[IMAGE]).run();
    assert_eq!(done.code(), Some(4), "{}", done.stderr);
    let expected = "no space left on device: unknown; free disk space";
    assert!(done.stderr.contains(expected), "{}", done.stderr);
    assert_eq!(bench.runtime.pulls().len(), 1);
}

#[test]
fn an_image_has_its_time_and_the_call_is_cancelled_at_its_end() {
    let bench = Bench::new();
    let _registry = open(&bench);
    bench.runtime.hold_pulls();
    let done = bench.prepull(&["--timeout", "1s", IMAGE]).run();
    assert_eq!(done.code(), Some(7), "{}", done.stderr);
    let expected = "not pulled within --timeout; raise --timeout";
    assert!(done.stderr.contains(expected), "{}", done.stderr);
    until("the end of the pull", || bench.runtime.running() == 0);
    assert_eq!(bench.runtime.pulls().len(), 1);
}

#[test]
fn a_signal_cancels_what_runs_and_names_what_is_not_pulled() {
    let bench = Bench::new();
    let _registry = open(&bench);
    bench.runtime.hold_pulls();
    let other = "registry.example.com/team/other:v1";
    let run = bench.prepull(&["--parallel", "1", IMAGE, other]).start();
    until("a pull", || bench.runtime.running() == 1);
    let kill = Program::new("/bin/kill").args(["-TERM", &run.id().to_string()]);
    let _ = kill.run().success();
    let done = run.finish();
    assert_eq!(done.code(), Some(143), "{}", done.stderr);
    for image in [IMAGE, other] {
        let line = format!("{image}: not pulled");
        assert!(done.stderr.contains(&line), "{}", done.stderr);
    }
    until("the end of the pull", || bench.runtime.running() == 0);
}

#[test]
fn a_runtime_that_is_restarted_is_waited_for() {
    let bench = Bench::new();
    let _registry = open(&bench);
    bench.runtime.hold_pulls();
    let run = bench.prepull(&["--json", IMAGE]).start();
    until("a pull", || bench.runtime.running() == 1);
    // The old one ends first: both have the same socket.
    let Bench { node, runtime } = bench;
    drop(runtime);
    let runtime = FakeRuntime::start(node.root(), &node.hosts_dir());
    let said = lines(&run.finish().success());
    assert_eq!(said[0]["event"], json!("pulled"), "{said:?}");
    assert_eq!(runtime.pulls().len(), 1);
}
