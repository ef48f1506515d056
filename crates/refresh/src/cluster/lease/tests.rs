//! The Lease comes before all other requests, and without it none is written.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Method;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use regcred_core::Clock;
use tokio::time::Instant;

use super::*;
use crate::cluster::testing::cluster_of;
use crate::cluster::{ClusterErrorKind, SecretContent};

fn lease() -> Lease {
    let metadata = ObjectMeta {
        name: Some("l".to_owned()),
        namespace: Some("a".to_owned()),
        ..ObjectMeta::default()
    };
    Lease {
        metadata,
        spec: None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_throttles_holds_up_everything_but_the_lease() {
    let cluster = cluster_of(100, |request| {
        if request.uri().path().contains("/leases") {
            (200, serde_json::json!({"metadata": {}}).to_string())
        } else {
            (429, "too many".to_owned())
        }
    });
    let (other, content) = (cluster.clone(), SecretContent::default());
    let write = tokio::spawn(async move {
        let applied = other.apply_secret("a", "s", &content, false).await;
        applied.map(drop).expect_err("throttled").kind
    });
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(!write.is_finished(), "it waits as the server asked");
    let started = Instant::now();
    cluster.lease("a", "l").await.expect("read");
    let now = DateTime::UNIX_EPOCH;
    cluster.write_lease(lease(), now).await.expect("written");
    assert_eq!(started.elapsed(), Duration::ZERO);
    let kind = write.await.expect("no panic");
    assert!(matches!(kind, ClusterErrorKind::Throttled(_)), "{kind:?}");
}

#[tokio::test]
async fn without_the_lease_nothing_is_written() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    let cluster = cluster_of(0, move |request| {
        let line = (request.method().clone(), request.uri().path().to_owned());
        log.lock().expect("whole").push(line);
        (200, serde_json::json!({"metadata": {}}).to_string())
    });
    let clock = Clock::fixed(DateTime::UNIX_EPOCH);
    cluster.fence().need_lease(clock, Duration::from_secs(10));
    let content = SecretContent::default();
    let applied = cluster.apply_secret("a", "s", &content, false).await;
    let deleted = cluster.delete_secret("a", "s", "uid").await;
    for error in [applied.map(drop), deleted].map(|done| done.expect_err("not sent")) {
        assert_eq!(error.kind, ClusterErrorKind::Standby);
        let words = "/secrets/s: this replica no longer holds the Lease";
        assert!(error.to_string().ends_with(words), "{error}");
    }
    cluster.secret("a", "s").await.expect("read");
    let written = cluster.write_lease(lease(), DateTime::UNIX_EPOCH).await;
    written.expect("the Lease is how it gets on");
    let methods = asked.lock().expect("whole").clone();
    let methods: Vec<_> = methods.into_iter().map(|(method, _)| method).collect();
    assert_eq!(methods, [Method::GET, Method::POST]);
}
