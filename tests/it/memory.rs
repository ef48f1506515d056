//! The memory of a pull does not grow with the image.

use regcred_tests::oci_registry::Access;
use regcred_tests::program::built;
use regcred_tests::{FakeRegistry, Image, Node, Program};

#[test]
fn a_pull_stays_below_32_mib_whatever_the_image() {
    let peak = |mib: usize| {
        let registry = FakeRegistry::start(Access::Open);
        registry.push("team/app", "v1", &Image::single(71, 8, mib << 20));
        let node = Node::new();
        let report = node.root().join("report");
        let done = Program::new(built("bench-measure"))
            .arg(&report)
            .arg(built("regcred"))
            .args(["pull", "--quiet", "--store"])
            .arg(node.store())
            .arg(format!("{}/team/app:v1", registry.server().authority()))
            .env("HOME", node.root())
            .run();
        let _ = done.success();
        let report = std::fs::read_to_string(report).expect("a report");
        let numbers: Vec<u64> = report.split_whitespace().flat_map(str::parse).collect();
        let [_, _, peak, 0] = numbers[..] else {
            panic!("{report}: {}", done.stderr);
        };
        peak
    };
    let (small, large) = (peak(1), peak(16));
    assert!(large < 32 << 10, "{large} KiB for 128 MiB");
    assert!(large < small + (4 << 10), "{small} KiB, then {large} KiB");
}
