//! A server that goes away, or refuses the Lease: the daemon is not ready, and goes on when it can.

use std::time::Duration;

use chrono::TimeDelta;

use crate::cloud::CANARY;
use crate::faults::{SIMPLE, all, namespaces};
use crate::observed::{has, page};
use crate::stage::{Stage, password};

#[tokio::test]
async fn a_daemon_without_the_server_is_not_ready_and_counts_errors() {
    let stage = Stage::fake().await;
    let fake = stage.told();
    let names = namespaces(&stage, 1).await;
    let election = "leaderElection: {name: ID-lease, namespace: default, leaseDuration: 2s}\n";
    let plan = stage.plan(&format!("{SIMPLE}{election}"));
    fake.down(true);
    let daemon = stage.daemon(&plan).await;
    let metrics = async || page(&daemon, "/metrics").await.1;
    let counted = async |reason: &str| {
        let none = format!("api_request_errors_total{{reason=\"{reason}\"}} 0\n");
        !metrics().await.contains(&none)
    };
    let unknown = "target_expiry_timestamp_seconds{target=\"t\"} 0\n";
    assert!(metrics().await.contains(unknown));
    stage
        .until("errors", async || counted("unreachable").await)
        .await;
    let (code, why) = page(&daemon, "/readyz").await;
    assert_eq!(code, 503);
    assert!(why.contains("namespaces") && why.contains("Lease"), "{why}");
    assert!(metrics().await.contains(unknown));
    fake.down(false);
    stage
        .until("all well", async || page(&daemon, "/readyz").await.0 == 200)
        .await;
    assert!(has(&stage, &names[0]).await);
    assert!(!metrics().await.contains(unknown));
    daemon.stop().await;
}

#[tokio::test]
async fn a_daemon_that_may_not_have_its_lease_is_not_ready_and_counts_errors() {
    let stage = Stage::fake().await;
    let fake = stage.told();
    fake.fail("get", "leases", 403, None, 8);
    let election = "leaderElection: {name: ID-lease, namespace: default, leaseDuration: 2s}\n";
    let daemon = stage
        .daemon(&stage.plan(&format!("{SIMPLE}{election}")))
        .await;
    stage
        .until("only the Lease is missing", async || {
            let (code, why) = page(&daemon, "/readyz").await;
            code == 503 && why.contains("403") && !why.contains("not been listed")
        })
        .await;
    let none = "api_request_errors_total{reason=\"forbidden\"} 0\n";
    assert!(!page(&daemon, "/metrics").await.1.contains(none));
    stage
        .until("all well", async || page(&daemon, "/readyz").await.0 == 200)
        .await;
    daemon.stop().await;
}

#[tokio::test]
async fn named_namespaces_are_not_served_while_the_server_is_away() {
    let stage = Stage::fake().await;
    let fake = stage.told();
    let names = namespaces(&stage, 1).await;
    fake.down(true);
    let named = SIMPLE.replace("'ID-*'", "ID-n0");
    let daemon = stage.daemon(&stage.plan(&named)).await;
    let counted = "errors_total{target=\"t\",reason=\"unreachable\"} 0\n";
    stage
        .until("an attempt", async || {
            !page(&daemon, "/metrics").await.1.contains(counted)
        })
        .await;
    assert_eq!(page(&daemon, "/readyz").await.0, 503);
    fake.down(false);
    stage
        .until("all well", async || page(&daemon, "/readyz").await.0 == 200)
        .await;
    assert!(has(&stage, &names[0]).await);
    daemon.stop().await;
}

#[tokio::test]
async fn an_hour_without_the_server_ends_without_a_stampede() {
    let stage = Stage::fake().await;
    let fake = stage.told();
    stage.cloud.set_life(TimeDelta::hours(1));
    let names = namespaces(&stage, 60).await;
    let yaml = format!("{SIMPLE}leaderElection: {{leaseDuration: 2s}}\n");
    let daemon = stage.daemon(&stage.plan(&yaml)).await;
    stage.until("all", async || all(&stage, &names).await).await;
    assert_eq!(stage.cloud.calls(), 1);
    let (read, written) = (fake.asked("get", "secrets"), fake.asked("patch", "secrets"));
    fake.down(true);
    let refused = fake.refused();
    let started = std::time::Instant::now();
    stage.time.on(TimeDelta::hours(1));
    stage
        .until("attempts", async || fake.refused() - refused >= 40)
        .await;
    // Eight objects are tried four times with pauses of 0.1, 0.2 and 0.4 s or more between.
    assert!(
        started.elapsed() >= Duration::from_millis(500),
        "attempts without pauses at a server that is away"
    );
    assert!(stage.cloud.calls() <= 2);
    assert_eq!(page(&daemon, "/healthz").await.0, 200);
    fake.down(false);
    let name = stage.ns("pull");
    stage
        .until("all again", async || {
            names.iter().all(|ns| {
                let secret = fake.object("secrets", ns, &name).expect("there");
                password(&secret, "a.eu.fake.io") == Some(format!("{CANARY}-own-2"))
            })
        })
        .await;
    assert_eq!(stage.cloud.calls(), 2, "one token, however long it took");
    assert_eq!(
        fake.asked("patch", "secrets") - written,
        60,
        "one write each"
    );
    let read = fake.asked("get", "secrets") - read;
    assert!(read <= 70, "{read} reads of 60 Secrets");
    assert!(fake.asked("list", "namespaces") <= 2);
    daemon.stop().await;
}
