//! A leader that loses the Lease while it works, and a daemon that panics.

use serde_json::json;

use crate::faults::SIMPLE;
use crate::observed::{has, page};
use crate::stage::Stage;

#[tokio::test]
async fn a_write_that_waits_while_the_lease_is_lost_is_not_made() {
    let stage = Stage::fake().await;
    let fake = stage.told();
    let election = "leaderElection: {name: ID-lease, namespace: default, leaseDuration: 2s}\n";
    let daemon = stage
        .daemon(&stage.plan(&format!("{SIMPLE}{election}")))
        .await;
    let metric = async |line: &str| page(&daemon, "/metrics").await.1.contains(line);
    let leads = async |is: u8| metric(&format!("_leader {is}\n")).await;
    stage.until("a leader", async || leads(1).await).await;
    // Its write is to wait three times, each longer than the Lease lasts that is not renewed.
    fake.fail("patch", "secrets", 429, Some(3), usize::MAX);
    let ns = stage.namespace("a", json!({})).await;
    stage
        .until("a write", async || fake.asked("patch", "secrets") > 0)
        .await;
    fake.fail("update", "leases", 500, None, usize::MAX);
    let none = "errors_total{target=\"t\",reason=\"standby\"} 0\n";
    stage
        .until("a write that was not sent", async || {
            let metrics = page(&daemon, "/metrics").await.1;
            metrics.contains("_leader 0\n") && !metrics.contains(none)
        })
        .await;
    let asked = fake.asked("patch", "secrets");
    assert_eq!(page(&daemon, "/readyz").await.0, 503);
    fake.heal();
    // It goes on where it was when it leads again.
    stage.until("a leader", async || leads(1).await).await;
    stage
        .until("the Secret", async || has(&stage, &ns).await)
        .await;
    assert_eq!(fake.asked("patch", "secrets") - asked, 1);
    daemon.stop().await;
}

#[tokio::test]
async fn a_full_etcd_is_waited_out_and_named() {
    let stage = Stage::fake().await;
    let fake = stage.told();
    let daemon = stage.daemon(&stage.plan(SIMPLE)).await;
    let full = "etcdserver: mvcc: database space exceeded";
    fake.fail_with("patch", "secrets", full);
    let ns = stage.namespace("a", json!({})).await;
    stage
        .until("the reason on the page", async || {
            page(&daemon, "/").await.1.contains(full)
        })
        .await;
    assert_eq!(page(&daemon, "/healthz").await.0, 200);
    assert!(!has(&stage, &ns).await);
    fake.heal();
    stage
        .until("the Secret", async || {
            stage.time.on(chrono::TimeDelta::seconds(1));
            has(&stage, &ns).await
        })
        .await;
    assert_eq!(stage.cloud.calls(), 1, "the token was kept");
    daemon.stop().await;
}

#[tokio::test]
async fn a_namespace_that_the_server_fails_for_is_tried_with_growing_pauses() {
    let stage = Stage::fake().await;
    let fake = stage.told();
    stage.time.stop();
    let daemon = stage.daemon(&stage.plan(SIMPLE)).await;
    let bad = stage.namespace("bad", json!({})).await;
    fake.fail("patch", "secrets", 500, None, 4);
    let unreachable = "errors_total{target=\"t\",reason=\"unreachable\"} 1\n";
    stage
        .until("a failure", async || {
            page(&daemon, "/metrics").await.1.contains(unreachable)
        })
        .await;
    // The clock stands still: it is not due before its pause has passed, and the others are served.
    let good = stage.namespace("good", json!({})).await;
    stage
        .until("another", async || has(&stage, &good).await)
        .await;
    assert!(!has(&stage, &bad).await);
    stage.time.on(chrono::TimeDelta::seconds(31));
    stage.until("it", async || has(&stage, &bad).await).await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_daemon_whose_main_loop_panics_ends_with_an_error() {
    let stage = Stage::fake().await;
    let mut daemon = stage.daemon(&stage.plan(SIMPLE)).await;
    let ns = stage.namespace("a", json!({})).await;
    stage.until("work", async || has(&stage, &ns).await).await;
    stage.time.break_down();
    let error = daemon.ended().await.expect_err("a panic");
    let words = "the daemon ended: a panic, which is a bug; report it ";
    assert!(error.to_string().starts_with(words), "{error}");
}
