//! A candidate that panics.

use std::sync::atomic::{AtomicBool, Ordering};

use chrono::DateTime;
use serde_json::json;

use super::*;
use crate::cluster::testing::cluster_of;
use crate::plan::testing::plan_of_one_secret;

#[tokio::test(start_paused = true)]
async fn a_panic_is_counted_and_the_candidate_goes_on() {
    let plan = plan_of_one_secret();
    let cluster = cluster_of(0, |request| {
        let is_write = *request.method() != http::Method::GET;
        let spec = json!({"holderIdentity": "me", "leaseTransitions": 3});
        let lease = json!({"metadata": {"name": "l", "resourceVersion": "1"}, "spec": spec});
        if is_write {
            (200, lease.to_string())
        } else {
            (404, "{}".to_owned())
        }
    });
    let breaks = Arc::new(AtomicBool::new(false));
    let broken = Arc::clone(&breaks);
    let clock = Clock::from_fn(move || {
        assert!(!broken.swap(false, Ordering::SeqCst), "a bug");
        DateTime::UNIX_EPOCH
    });
    let status = Arc::new(Status::new(&plan, clock.clone()));
    let election = plan.leader_election.clone();
    let known = Arc::clone(&status);
    let campaign = Campaign::new(cluster, election, "me".to_owned(), clock, known);
    let (lead, mut leads) = watch::channel(None);
    let (_stop, stopped) = watch::channel(false);
    let work = tokio::spawn(campaign.run(lead, stopped));
    leads.changed().await.expect("a leader");
    assert_eq!(*leads.borrow(), Some(3));
    breaks.store(true, Ordering::SeqCst);
    let counted = "panics_total{task=\"election\"} 1\n";
    while !status.metrics().contains(counted) {
        sleep(Duration::from_secs(1)).await;
    }
    assert!(
        status
            .ready()
            .expect_err("not ready")
            .contains("a panic, which is a bug")
    );
    while status.ready().is_err_and(|why| why.contains("Lease")) {
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(
        *leads.borrow(),
        Some(3),
        "one lost turn is not the end of a term"
    );
    work.abort();
}
