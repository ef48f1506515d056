//! `make bench` in miniature: it runs to its end and measures every row.

use std::time::Duration;

use regcred_core::Env;
use regcred_tests::clouds::CLOUDS;
use regcred_tests::{Program, need};

#[test]
fn every_row_is_measured() {
    let path = Env::process().get("PATH").unwrap_or_default().to_owned();
    let bench = Program::ours("bench")
        .arg("1")
        .env("PATH", path)
        .env("REGCRED_BENCH_LAYER_MIB", "1")
        .env("REGCRED_BENCH_LARGEST", "20")
        .limit(Duration::from_secs(600))
        .run();
    let table = bench.success();
    // A peer of this machine may be too old for the fakes.
    let ours: Vec<_> = table
        .lines()
        .filter(|line| !line.contains("note: peer"))
        .collect();
    assert!(
        !ours
            .iter()
            .any(|line| line.contains("NaN") || line.contains("failed")),
        "{table}"
    );
    let mut contests = 0;
    for (name, start) in CLOUDS {
        let public = !start().public().is_empty();
        for scheme in ["http", "https"].iter().take(1 + usize::from(public)) {
            let row = format!("{name} plugin, {scheme}\n");
            assert!(table.contains(&row), "{table}");
            contests += 1;
        }
    }
    for contest in [
        "from a server in memory, http\n",
        "from a server in memory, https\n",
    ] {
        assert!(table.contains(contest), "{table}");
    }
    assert_eq!(table.matches("floor: bare sockets").count(), 2, "{table}");
    for row in ["ours, cold", "ours, warm cache", "floor: an empty process"] {
        assert_eq!(table.matches(row).count(), contests, "{table}");
    }
    for row in [
        "20 starts of the ecr plugin at once, https\n",
        "  10 entries ",
        "  1 entry ",
        "  10 layers ",
        "  100 namespaces ",
    ] {
        assert!(table.contains(row), "{row} in {table}");
    }
    if need("docker-registry").is_some() && need("skopeo").is_some() {
        for (contest, count) in [("Pull of", 7), ("Push of", 2)] {
            assert_eq!(table.matches(contest).count(), count, "{table}");
        }
        assert!(table.matches("peer: skopeo").count() >= 5, "{table}");
    }
}
