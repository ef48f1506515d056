//! Tenants whose namespaces name their own roles: one of them must not take from the others.

use std::time::Instant;

use chrono::TimeDelta;
use regcred_refresh::Action;
use serde_json::json;

use crate::cloud::ROLE;
use crate::observed::has;
use crate::stage::{Stage, actions, password};

const TENANTS: &str = "
registries:
- name: r
  provider: fake
  hosts: [a.eu.fake.io]
  namespaceIdentity: {annotation: fake.io/role, audience: fake}
targets: [{name: t, secret: {name: ID-pull}, namespaces: {include: ['ID-*']}}]
";

async fn name_role(stage: &Stage, namespace: &str, role: &str) {
    let change = json!({"metadata": {"annotations": {ROLE: role}}});
    stage
        .merge(namespace, "serviceaccounts/default", &change)
        .await;
}

#[tokio::test]
async fn a_tenant_that_edits_without_pause_costs_few_tokens_and_its_last_role_counts() {
    let stage = Stage::fake().await;
    let fake = stage.told();
    let ns = stage.namespace("a", json!({})).await;
    let daemon = stage.daemon(&stage.plan(TENANTS)).await;
    let started = Instant::now();
    for n in 0..300 {
        name_role(&stage, &ns, &format!("role-{n}-end")).await;
        // The watch reports each edit.
        tokio::task::yield_now().await;
    }
    let role_of = async || {
        let secret = stage.secret(&ns, &stage.ns("pull")).await?;
        password(&secret, "a.eu.fake.io")
    };
    let has_last = async || {
        role_of()
            .await
            .is_some_and(|text| text.contains("role-299-end"))
    };
    // Its turn comes by the clock.
    stage
        .until("the last role", async || {
            stage.time.on(TimeDelta::seconds(1));
            has_last().await
        })
        .await;
    let moved = (stage.time.now() - regcred_core::Clock::system().now()).num_seconds();
    let seconds = moved.unsigned_abs() + started.elapsed().as_secs();
    // Ten at once, then one in 20 s.
    let most = 12 + seconds / 20;
    let calls = stage.cloud.calls() as u64;
    assert!(calls <= most, "{calls} tokens in {seconds} s");
    let tokens = fake.asked("create", "serviceaccounts/token") as u64;
    assert!(tokens <= most, "{tokens} tokens of the service account");
    daemon.stop().await;
}

#[tokio::test]
async fn many_tenants_that_edit_without_pause_keep_no_other_waiting() {
    let stage = Stage::fake().await;
    let mut hostile = Vec::new();
    for n in 0..20 {
        let ns = stage.namespace(&format!("hostile-{n}"), json!({})).await;
        name_role(&stage, &ns, "r").await;
        hostile.push(ns);
    }
    stage.time.stop();
    let quiet = stage.namespace("quiet", json!({})).await;
    name_role(&stage, &quiet, "quiet").await;
    let daemon = stage.daemon(&stage.plan(TENANTS)).await;
    stage
        .until("the first", async || has(&stage, &quiet).await)
        .await;
    // Half of its life has passed: it is due, while the others come to the front again and again.
    stage.time.on(TimeDelta::hours(7));
    let renewed = async || {
        let secret = stage.secret(&quiet, &stage.ns("pull")).await;
        let made =
            secret.expect("there")["metadata"]["annotations"]["refresh.regcred.dev/refreshed-at"]
                .clone();
        made.as_str().is_some_and(|at| {
            at.parse().is_ok_and(|at: chrono::DateTime<chrono::Utc>| {
                stage.time.now() - at < TimeDelta::hours(1)
            })
        })
    };
    let mut round = 0;
    stage
        .until("it renewed", async || {
            round += 1;
            // What was written a moment ago may be scheduled only after the jump.
            stage.time.on(TimeDelta::minutes(10));
            for ns in &hostile {
                name_role(&stage, ns, &format!("r{round}")).await;
            }
            renewed().await
        })
        .await;
    // One that comes later names its role and is served.
    let new = stage
        .namespace("new", json!({"annotations": {ROLE: "new"}}))
        .await;
    stage
        .until("a new one", async || has(&stage, &new).await)
        .await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_role_that_is_longer_than_any_is_refused_by_its_length() {
    let stage = Stage::fake().await;
    let ns = stage.namespace("a", json!({})).await;
    for role in ["x".repeat(200_000), "ü".repeat(2049)] {
        name_role(&stage, &ns, &role).await;
        let reports = stage.once(&stage.plan(TENANTS)).await;
        assert_eq!(actions(&reports), [Action::Skip]);
        let reason = reports[0].reason.as_deref().unwrap_or_default();
        assert_eq!(
            reason,
            "the annotation fake.io/role is longer than 4096 bytes"
        );
    }
    // On the namespace too, of which only a part is kept.
    let annotations = json!({"annotations": {ROLE: "x".repeat(200_000)}});
    let other = stage.namespace("b", annotations).await;
    let reports = stage.once(&stage.plan(TENANTS)).await;
    assert_eq!(actions(&reports), [Action::Skip; 2]);
    assert_eq!(stage.cloud.calls(), 0);
    name_role(&stage, &other, &"x".repeat(4096)).await;
    let reports = stage.once(&stage.plan(TENANTS)).await;
    assert_eq!(actions(&reports), [Action::Create, Action::Skip]);
}
