//! `make bench` in miniature: it runs to its end and measures every row.

use std::time::Duration;

use regcred_core::Env;
use regcred_tests::{Program, need};

#[test]
fn every_row_is_measured() {
    let path = Env::process().get("PATH").unwrap_or_default().to_owned();
    let bench = Program::ours("bench")
        .arg("1")
        .env("PATH", path)
        .env("REGCRED_BENCH_LAYER_MIB", "1")
        .limit(Duration::from_secs(400))
        .run();
    let table = bench.success();
    assert!(
        !table.contains("NaN") && !table.contains("failed"),
        "{table}"
    );
    for cloud in ["ECR", "Azure", "Oracle", "IBM"] {
        for scheme in ["http", "https"] {
            let row = format!("{cloud} plugin, {scheme} endpoint");
            assert!(table.contains(&row), "{table}");
        }
    }
    assert!(table.contains("Google plugin"), "{table}");
    assert_eq!(table.matches("ours, cold").count(), 9, "{table}");
    assert_eq!(table.matches("floor").count(), 9, "{table}");
    if need("docker-registry").is_some() && need("skopeo").is_some() {
        assert_eq!(table.matches("Pull of").count(), 2, "{table}");
        assert_eq!(table.matches("peer: skopeo").count(), 2, "{table}");
    }
}
