//! `make bench` in miniature: it runs to its end and measures every row.

use std::time::Duration;

use regcred_tests::{Program, Skopeo};

#[test]
fn every_row_is_measured() {
    let bench = Program::ours("bench")
        .arg("1")
        .env("REGCRED_BENCH_LAYER_MIB", "1")
        .limit(Duration::from_secs(120))
        .run();
    let table = bench.success();
    assert!(!table.contains("NaN"), "{table}");
    for row in ["ECR plugin, http ", "ECR plugin, https", "Google plugin"] {
        assert!(table.contains(row), "{table}");
    }
    assert_eq!(table.matches("ours, cold").count(), 3, "{table}");
    assert_eq!(table.matches("floor").count(), 3, "{table}");
    if Skopeo::find().is_some() && regcred_tests::need("docker-registry").is_some() {
        // Found by its usual name only if the PATH is handed on, so not here.
        assert_eq!(table.matches("Pull of").count(), 2, "{table}");
    }
}
