//! The rights of the shipped manifests are enough, and they are all that is used.

use std::path::Path;
use std::time::Duration;

use regcred_refresh::{Action, Mode};
use regcred_tests::kube::Rule;
use serde_json::{Value, json};

use crate::daemon::page;
use crate::stage::{Stage, actions};

const SIMPLE: &str = "
registries: [{name: r, provider: fake, hosts: [a.eu.fake.io]}]
targets:
- name: t
  secret: {name: regcred}
  namespaces: {include: ['ID-*'], exclude: [x]}
  serviceAccounts: {names: [default]}
leaderElection: {namespace: regcred-refresh}
";

/// The rules of the roles in a manifest of ours, as the fake takes them; a Role binds the namespace
/// that it is in.
fn rules(file: &str) -> Vec<Rule> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs/kubernetes")
        .join(file);
    let text = std::fs::read_to_string(&path).expect("a manifest");
    let mut rules = Vec::new();
    for document in text.split("\n---\n") {
        let object: Value = serde_saphyr::from_str(document).expect("YAML");
        let kind = object["kind"].as_str().unwrap_or_default();
        if kind != "Role" && kind != "ClusterRole" {
            continue;
        }
        for rule in object["rules"].as_array().into_iter().flatten() {
            let join = |name: &str| {
                let list = rule[name].as_array().cloned().unwrap_or_default();
                let texts: Vec<_> = list.iter().filter_map(Value::as_str).collect();
                texts.join(",")
            };
            let mut made = Rule::new(&join("verbs"), &join("resources"));
            if rule["resourceNames"].is_array() {
                made = made.named(&join("resourceNames"));
            }
            if kind == "Role" {
                made = made.within(
                    object["metadata"]["namespace"]
                        .as_str()
                        .expect("a namespace"),
                );
            }
            rules.push(made);
        }
    }
    assert!(!rules.is_empty(), "{file} has roles");
    rules
}

#[tokio::test]
async fn the_cluster_wide_role_is_enough_for_everything() {
    let stage = Stage::fake().await;
    let fake = stage.told();
    fake.namespace("regcred-refresh", json!({}));
    let ns = stage.namespace("a", json!({})).await;
    fake.allow(rules("cluster/rbac.yaml"));
    let daemon = stage.daemon(&stage.plan(SIMPLE)).await;
    let done = async || {
        page(&daemon, "/metrics")
            .await
            .1
            .contains("secrets_managed{target=\"t\"} 1")
    };
    stage.until("all", done).await;
    fake.remove("secrets", &ns, "regcred");
    let back = async || fake.object("secrets", &ns, "regcred").is_some();
    let took = stage.until("it back", back).await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    daemon.stop().await;
    assert!(fake.count("events") > 0, "events are written");
    assert_eq!(fake.forbidden(), Vec::<String>::new());
    // Nothing ever asks for all Secrets.
    for line in fake.lines() {
        let whole = line.contains("/secrets?");
        assert!(
            !whole || line.contains("fieldSelector=metadata.name"),
            "{line}"
        );
    }
}

#[tokio::test]
async fn the_role_of_one_namespace_is_enough_there() {
    let stage = Stage::fake().await;
    let fake = stage.told();
    fake.namespace("shop", json!({}));
    fake.allow(rules("namespaced/rbac.yaml"));
    let yaml = SIMPLE
        .replace("['ID-*']", "[shop]")
        .replace("namespace: regcred-refresh", "namespace: shop");
    let daemon = stage.daemon(&stage.plan(&yaml)).await;
    let done = async || {
        page(&daemon, "/metrics")
            .await
            .1
            .contains("secrets_managed{target=\"t\"} 1")
    };
    stage.until("all", done).await;
    daemon.stop().await;
    assert_eq!(fake.forbidden(), Vec::<String>::new());
    assert_eq!(
        fake.asked("list", "namespaces") + fake.asked("watch", "namespaces"),
        0
    );
    // The same rights for a single run.
    fake.remove("secrets", "shop", "regcred");
    let reports = stage.once(&stage.plan(&yaml)).await;
    assert_eq!(actions(&reports), [Action::Create]);
    assert_eq!(fake.forbidden(), Vec::<String>::new());
}

#[tokio::test]
async fn without_the_right_to_create_the_reason_is_said() {
    let stage = Stage::fake().await;
    let fake = stage.told();
    stage.namespace("a", json!({})).await;
    fake.allow(vec![
        Rule::new("get,patch", "secrets").named("regcred"),
        Rule::new("list", "namespaces"),
    ]);
    let yaml = SIMPLE.replace("serviceAccounts: {names: [default]}", "");
    let reports = stage.once(&stage.plan(&yaml)).await;
    assert_eq!(actions(&reports), [Action::Failed]);
    let reason = reports[0].reason.as_deref().unwrap_or_default();
    assert!(reason.contains("403 Forbidden"), "{reason}");
    assert_eq!(reports[0].cause, Some("forbidden"));
}

#[tokio::test]
async fn without_the_right_to_watch_secrets_the_periodic_look_finds_what_was_changed() {
    let stage = Stage::fake().await;
    let fake = stage.told();
    let ns = stage.namespace("a", json!({})).await;
    fake.allow(vec![
        Rule::new("get,patch,create", "secrets").named("regcred"),
        Rule::new("get,list,watch", "namespaces"),
        Rule::new("get,patch", "serviceaccounts"),
    ]);
    let yaml = SIMPLE.replace(
        "leaderElection: {namespace: regcred-refresh}",
        "intervals: {reapply: 1s}",
    );
    let daemon = stage.daemon(&stage.plan(&yaml)).await;
    let there = async || fake.object("secrets", &ns, "regcred").is_some();
    stage.until("the Secret", there).await;
    fake.remove("secrets", &ns, "regcred");
    stage.until("it back", there).await;
    let account = || {
        fake.object("serviceaccounts", &ns, "default")
            .expect("there")
    };
    stage
        .until("the account", async || {
            !account()["imagePullSecrets"].is_null()
        })
        .await;
    daemon.stop().await;
}

#[tokio::test]
async fn the_role_for_cleaning_up_is_enough_for_it() {
    let stage = Stage::fake().await;
    let fake = stage.told();
    let ns = stage.namespace("a", json!({})).await;
    let plan = stage.plan(SIMPLE);
    stage.once(&plan).await;
    fake.allow(rules("cluster/cleanup-rbac.yaml"));
    let refresher = stage.refresher(&plan, Mode::default()).await;
    refresher.cleanup(|_| {}).await.expect("a run");
    assert!(fake.object("secrets", &ns, "regcred").is_none());
    assert_eq!(fake.forbidden(), Vec::<String>::new());
}
