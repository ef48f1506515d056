//! The memory of a pull does not grow with the image.

use regcred_tests::oci_registry::Access;
use regcred_tests::program::built;
use regcred_tests::{FakeRegistry, Image, Node, Program};

#[test]
fn a_pull_takes_a_fixed_amount_of_memory_whatever_the_image() {
    let own = peak_mib(&["--version".to_owned()]);
    let pull = |mib: usize| {
        let registry = FakeRegistry::start(Access::Open);
        registry.push("team/app", "v1", &Image::single(71, 8, mib << 20));
        let node = Node::new();
        let store = node.store().display().to_string();
        let name = format!("{}/team/app:v1", registry.server().authority());
        peak_mib(&[
            "pull".into(),
            "--quiet".into(),
            "--store".into(),
            store,
            name,
        ])
    };
    let (small, large) = (pull(8), pull(32));
    // The program's own pages count as well, and a debug build has many: `make bench` has the
    // figure of a release build.
    assert!(large < own + 24.0, "{own} MiB of its own, {large} MiB");
    assert!(
        large < small + 5.0,
        "{small} MiB for 64, {large} MiB for 256"
    );
}

/// Peak memory of a successful `regcred` with these arguments.
fn peak_mib(args: &[String]) -> f64 {
    let directory = tempfile::tempdir().expect("a directory");
    let report = directory.path().join("report");
    let done = Program::ours("regcred")
        .args(args)
        .under(built("bench-measure"), [report.as_os_str(), "1".as_ref()])
        .env("HOME", directory.path())
        .run();
    let _ = done.success();
    let report = std::fs::read_to_string(report).expect("a report");
    let numbers: Vec<f64> = report.split_whitespace().flat_map(str::parse).collect();
    let [_, _, kib, 0.0] = numbers[..] else {
        panic!("{report}: {}", done.stderr);
    };
    kib / 1024.0
}
