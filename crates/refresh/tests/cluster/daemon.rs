//! The daemon: new things as they come, renewal at half-life, what is changed comes back.
//!
//! Where the clock stands still, no periodic check comes: what happens was caused by a watch. That
//! something did not happen is seen when a namespace that was made later has its Secret.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::cloud::CANARY;
use crate::observed::{has, later, page};
use crate::stage::{Stage, password, theirs};

mod tests {
    crate::both! {
        new_namespaces_and_accounts_are_served_as_they_come
        what_is_deleted_or_edited_comes_back
        a_token_is_renewed_at_half_of_its_life_and_kept_while_it_cannot_be
        a_restart_asks_for_no_token_and_writes_nothing
        of_two_daemons_one_works_and_the_other_takes_over
        changed_files_are_noticed
        a_role_that_changes_counts_at_once
        a_registry_that_hangs_holds_up_no_other
        pages_show_the_state_and_no_token
    }
}

const SIMPLE: &str = "
registries: [{name: r, provider: fake, hosts: [a.eu.fake.io]}]
targets:
- name: t
  secret: {name: ID-pull}
  namespaces: {include: ['ID-*']}
  serviceAccounts: {names: [default]}
";

async fn linked(stage: &Stage, namespace: &str, account: &str) -> bool {
    let found = stage.get(namespace, "serviceaccounts", account).await;
    let list = found
        .map(|account| account["imagePullSecrets"].clone())
        .unwrap_or_default();
    list.as_array()
        .is_some_and(|list| list.contains(&json!({"name": stage.ns("pull")})))
}

async fn new_namespaces_and_accounts_are_served_as_they_come(stage: &Stage) {
    stage.time.stop();
    let first = stage.namespace("first", json!({})).await;
    let plan = stage.plan(&SIMPLE.replace("[default]", "[default, robot]"));
    let daemon = stage.daemon(&plan).await;
    stage
        .until("the first namespace", async || {
            linked(stage, &first, "default").await
        })
        .await;
    let second = stage.namespace("second", json!({})).await;
    stage
        .until("a new one", async || has(stage, &second).await)
        .await;
    stage
        .until("its account", async || {
            linked(stage, &second, "default").await
        })
        .await;
    let body = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot"}});
    stage.make(&second, "serviceaccounts", &body).await;
    stage
        .until("a new account", async || {
            linked(stage, &second, "robot").await
        })
        .await;
    assert_eq!(stage.cloud.calls(), 1);
    daemon.stop().await;
}

async fn what_is_deleted_or_edited_comes_back(stage: &Stage) {
    stage.time.stop();
    let ns = stage.namespace("a", json!({})).await;
    let daemon = stage.daemon(&stage.plan(SIMPLE)).await;
    stage
        .until("the Secret", async || has(stage, &ns).await)
        .await;
    let name = stage.ns("pull");
    let before = stage.secret(&ns, &name).await.expect("there");
    stage.delete(&ns, "secrets", &name).await;
    stage.until("it back", async || has(stage, &ns).await).await;
    let mut edited = stage.secret(&ns, &name).await.expect("there");
    edited["data"] = theirs("x", &json!({"auths": {}}))["data"].clone();
    stage.update(&ns, "secrets", &edited).await;
    let same = async || {
        let now = stage.secret(&ns, &name).await.unwrap_or_default();
        now["data"] == before["data"]
    };
    stage.until("its content back", same).await;
    assert_eq!(stage.cloud.calls(), 1, "the token in memory is good");
    daemon.stop().await;
}

async fn a_token_is_renewed_at_half_of_its_life_and_kept_while_it_cannot_be(stage: &Stage) {
    stage.time.stop();
    let ns = stage.namespace("a", json!({})).await;
    let daemon = stage.daemon(&stage.plan(SIMPLE)).await;
    let name = stage.ns("pull");
    let held = async || {
        let secret = stage.secret(&ns, &name).await?;
        password(&secret, "a.eu.fake.io")
    };
    let is = async |n: usize| held().await == Some(format!("{CANARY}-own-{n}"));
    stage.until("the first", async || is(1).await).await;
    // Half of twelve hours, or up to a tenth of them earlier.
    stage.time.on(TimeDelta::hours(4));
    later(stage, "early").await;
    assert_eq!(stage.cloud.calls(), 1, "too early");
    stage.time.on(TimeDelta::hours(2));
    stage.until("the second", async || is(2).await).await;
    assert_eq!(stage.cloud.calls(), 2);
    stage
        .until("all well", async || page(&daemon, "/readyz").await.0 == 200)
        .await;

    stage.cloud.fail(true);
    stage.time.on(TimeDelta::hours(6));
    stage
        .until("a failure", async || stage.cloud.calls() > 2)
        .await;
    later(stage, "failing").await;
    assert_eq!(stage.cloud.calls(), 3, "a pause after a failure");
    assert!(is(2).await, "kept while it is good");
    let (code, _) = page(&daemon, "/readyz").await;
    assert_eq!(code, 200, "there is time yet");
    stage.time.on(TimeDelta::hours(4));
    stage
        .until("an alarm", async || page(&daemon, "/readyz").await.0 == 503)
        .await;
    stage
        .until("an event", async || {
            let path = format!("/api/v1/namespaces/{ns}/events");
            let events = stage.ask(http::Method::GET, &path, &Value::Null).await;
            let text = events.unwrap_or_default().to_string();
            assert!(!text.contains(CANARY), "{text}");
            stage.time.on(TimeDelta::minutes(6));
            text.contains("RefreshFailed")
        })
        .await;
    assert!(is(2).await);

    stage.cloud.fail(false);
    stage.time.on(TimeDelta::minutes(6));
    stage
        .until("the end of it", async || {
            held().await != Some(format!("{CANARY}-own-2"))
        })
        .await;
    stage
        .until("all well", async || page(&daemon, "/readyz").await.0 == 200)
        .await;
    daemon.stop().await;
}

async fn a_restart_asks_for_no_token_and_writes_nothing(stage: &Stage) {
    let mut names = Vec::new();
    for name in ["a", "b", "c"] {
        names.push(stage.namespace(name, json!({})).await);
    }
    let plan = stage.plan(SIMPLE);
    let daemon = stage.daemon(&plan).await;
    let versions = async || {
        let mut all = Vec::new();
        for ns in &names {
            let secret = stage.secret(ns, &stage.ns("pull")).await;
            all.push(secret.map(|s| s["metadata"]["resourceVersion"].clone()));
        }
        all
    };
    stage
        .until("all", async || versions().await.iter().all(Option::is_some))
        .await;
    let before = versions().await;
    daemon.kill();
    let daemon = stage.daemon(&plan).await;
    let all = "secrets_managed{target=\"t\"} 3\n";
    stage
        .until("a look at all", async || {
            page(&daemon, "/metrics").await.1.contains(all)
        })
        .await;
    assert_eq!(stage.cloud.calls(), 1);
    assert_eq!(versions().await, before);
    // The first that needs one is worth a call, and the others keep theirs.
    let new = stage.namespace("new", json!({})).await;
    stage
        .until("a new one", async || has(stage, &new).await)
        .await;
    assert_eq!(stage.cloud.calls(), 2);
    assert_eq!(versions().await, before);
    daemon.stop().await;
}

async fn of_two_daemons_one_works_and_the_other_takes_over(stage: &Stage) {
    let home = stage.namespace("home", json!({})).await;
    let yaml = format!(
        "{SIMPLE}\nleaderElection: {{name: ID-lease, namespace: {home}, leaseDuration: 15s}}\n"
    );
    let plan = stage.plan(&yaml);
    let first = stage.daemon(&plan).await;
    stage
        .until("a leader", async || {
            page(&first, "/metrics").await.1.contains("_leader 1\n")
        })
        .await;
    let second = stage.daemon(&plan).await;
    let a = stage.namespace("a", json!({})).await;
    stage.until("work", async || has(stage, &a).await).await;
    let metrics = page(&second, "/metrics").await.1;
    assert!(metrics.contains("_leader 0\n"), "{metrics}");
    stage
        .until("a standby ready", async || {
            page(&second, "/readyz").await.0 == 200
        })
        .await;
    assert_eq!(stage.cloud.calls(), 1);
    // Given back: the other one need not wait for its end.
    first.stop().await;
    stage
        .until("a leader", async || {
            page(&second, "/metrics").await.1.contains("_leader 1\n")
        })
        .await;
    let b = stage.namespace("b", json!({})).await;
    stage.until("work", async || has(stage, &b).await).await;
    // Killed: it is taken over when its time is up.
    second.kill();
    let third = stage.daemon(&plan).await;
    stage
        .until("a leader", async || {
            page(&third, "/metrics").await.1.contains("_leader 1\n")
        })
        .await;
    third.stop().await;
}

async fn a_role_that_changes_counts_at_once(stage: &Stage) {
    stage.time.stop();
    let ns = stage.namespace("a", json!({})).await;
    let there = async || stage.get(&ns, "serviceaccounts", "default").await.is_some();
    stage.until("the account", there).await;
    let identity = "namespaceIdentity: {annotation: fake.io/role, audience: fake}, hosts:";
    let daemon = stage
        .daemon(&stage.plan(&SIMPLE.replace("hosts:", identity)))
        .await;
    let set = async |role: &str| {
        let role = json!({"metadata": {"annotations": {"fake.io/role": role}}});
        stage.merge(&ns, "serviceaccounts/default", &role).await;
    };
    let held = async || {
        let secret = stage
            .secret(&ns, &stage.ns("pull"))
            .await
            .unwrap_or_default();
        if secret.is_null() {
            String::new()
        } else {
            password(&secret, "a.eu.fake.io").unwrap_or_default()
        }
    };
    let not_skipped = "secret_writes_total{target=\"t\",action=\"skip\"} 0\n";
    stage
        .until("a look", async || {
            !page(&daemon, "/metrics").await.1.contains(not_skipped)
        })
        .await;
    assert_eq!(held().await, "", "no role, no login");
    for role in ["first", "second"] {
        set(role).await;
        stage
            .until(role, async || held().await.contains(role))
            .await;
    }
    assert_eq!(stage.cloud.calls(), 2);
    daemon.stop().await;
}

async fn a_registry_that_hangs_holds_up_no_other(stage: &Stage) {
    let other = crate::cloud::Cloud::start();
    other.hang();
    let mut names = Vec::new();
    for n in 0..20 {
        names.push(stage.namespace(&format!("n{n}"), json!({})).await);
    }
    let yaml = format!(
        "
registries:
- {{name: good, provider: fake, hosts: [a.eu.fake.io]}}
- {{name: hanging, provider: fake, hosts: [a.us.fake.io], env: {{FAKE_ID: {}}}}}
targets:
- {{name: h, registries: [hanging], secret: {{name: ID-other}}, namespaces: {{include: ['ID-*']}}}}
- {{name: g, registries: [good], secret: {{name: ID-pull}}, namespaces: {{include: ['ID-*']}}}}
",
        other.id
    );
    let daemon = stage.daemon(&stage.plan(&yaml)).await;
    let all = async || {
        for ns in &names {
            if !has(stage, ns).await {
                return false;
            }
        }
        true
    };
    stage.until("the good one everywhere", all).await;
    assert_eq!((stage.cloud.calls(), other.calls()), (1, 1));
    let metrics = page(&daemon, "/metrics").await.1;
    let none = "source=\"hanging\",result=\"unreachable\"} 0\n";
    assert!(metrics.contains(none), "still hanging: {metrics}");
    daemon.kill();
}

async fn changed_files_are_noticed(stage: &Stage) {
    let ns = stage.namespace("a", json!({})).await;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("config.json");
    let write = |auth: &str| {
        let text = json!({"auths": {"x.io": {"auth": auth}}}).to_string();
        std::fs::write(&path, text).expect("written");
    };
    write("YTpi");
    let yaml = format!(
        "
registries: [{{name: f, provider: file, path: {}}}]
targets: [{{name: t, secret: {{name: ID-pull}}, namespaces: {{include: ['ID-*']}}}}]
",
        path.display()
    );
    let daemon = stage.daemon(&stage.plan(&yaml)).await;
    let held = async || {
        let secret = stage.secret(&ns, &stage.ns("pull")).await?;
        password(&secret, "x.io")
    };
    stage
        .until("the first", async || held().await.as_deref() == Some("b"))
        .await;
    write("YTpj");
    stage
        .until("the second", async || held().await.as_deref() == Some("c"))
        .await;
    daemon.stop().await;
}

async fn pages_show_the_state_and_no_token(stage: &Stage) {
    let ns = stage.namespace("a", json!({})).await;
    let daemon = stage.daemon(&stage.plan(SIMPLE)).await;
    stage
        .until("the Secret", async || has(stage, &ns).await)
        .await;
    let full = async || {
        page(&daemon, "/metrics")
            .await
            .1
            .contains("secrets_managed{target=\"t\"} 1")
    };
    stage.until("the metrics", full).await;
    let (_, metrics) = page(&daemon, "/metrics").await;
    for name in [
        "token_expiry_timestamp_seconds{source=\"r\"}",
        "token_refresh_total{source=\"r\",result=\"success\"} 1",
        "token_last_success_timestamp_seconds{source=\"r\"}",
        "provider_request_duration_seconds_count{source=\"r\",operation=\"token\"} 1",
        "target_expiry_timestamp_seconds{target=\"t\"}",
        "secret_writes_total{target=\"t\",action=\"create\"} 1",
        "namespace_errors{target=\"t\"} 0",
        "api_requests_total ",
        "leader 1\n",
    ] {
        assert!(
            metrics.contains(&format!("regcred_refresh_{name}")),
            "{name}: {metrics}"
        );
    }
    let (code, html) = page(&daemon, "/").await;
    assert_eq!(code, 200);
    for text in [
        "data-label=\"Name\">r<td",
        "fake",
        "a.eu.fake.io",
        "in 11 h 59 min",
        "data-label=\"Name\">t<td",
        "ready",
    ] {
        assert!(html.contains(text), "{text}: {html}");
    }
    assert!(
        html.to_lowercase()
            .contains("content-security-policy: default-src 'none'")
    );
    let (code, _) = page(&daemon, "/healthz").await;
    assert_eq!(code, 200);
    assert_eq!(page(&daemon, "/secrets").await.0, 404);
    assert!(!metrics.contains(CANARY) && !html.contains(CANARY));
    daemon.stop().await;
}
