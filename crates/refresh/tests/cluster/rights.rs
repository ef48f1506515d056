//! The rights of the shipped manifests are enough, and they are all that is used.

use http::Method;
use regcred_refresh::{Action, Handle, Mode};
use serde_json::{Value, json};

use crate::manifests::{grant, manifest, objects};
use crate::observed::page;
use crate::stage::{Raw, Stage, actions, theirs};

mod tests {
    crate::both! {
        the_cluster_wide_role_is_enough_for_everything
        the_role_of_one_namespace_is_enough_there
        the_rights_reach_no_other_secret
        without_the_right_to_create_the_reason_is_reported
        without_the_right_to_watch_secrets_the_periodic_look_finds_what_was_changed
        the_role_for_cleaning_up_is_enough_for_it
        the_role_for_tenants_is_enough_to_prove_their_identity
    }
}

const SIMPLE: &str = "
registries: [{name: r, provider: fake, hosts: [a.eu.fake.io]}]
targets:
- name: t
  secret: {name: regcred}
  namespaces: {include: ['ID-*'], exclude: ['*-refresh']}
  serviceAccounts: {names: [default]}
leaderElection: {namespace: ID-refresh, name: ID-refresh}
";

async fn the_cluster_wide_role_is_enough_for_everything(stage: &Stage) {
    stage.time.stop();
    let home = stage.namespace("refresh", json!({})).await;
    let ns = stage.namespace("a", json!({})).await;
    account(stage, &ns).await;
    grant(stage, &manifest(stage, "cluster/rbac.yaml"), &home).await;
    let daemon = stage.daemon(&stage.plan(SIMPLE)).await;
    stage.until("all", async || served(&daemon).await).await;
    stage.delete(&ns, "secrets", "regcred").await;
    let back = async || stage.secret(&ns, "regcred").await.is_some();
    stage.until("it back", back).await;
    let told = async || {
        let path = format!("/api/v1/namespaces/{ns}/events");
        let (_, events) = stage.raw(Raw::get(&path)).await;
        events.to_string().contains("Refreshed")
    };
    stage.until("an event", told).await;
    nothing_forbidden(stage, &daemon).await;
    daemon.stop().await;
    // Nothing ever asks for all Secrets.
    for line in stage.fake.iter().flat_map(regcred_tests::FakeKube::lines) {
        let whole = line.contains("/secrets?") && line.starts_with("GET");
        assert!(
            !whole || line.contains("fieldSelector=metadata.name"),
            "{line}"
        );
    }
}

async fn the_role_of_one_namespace_is_enough_there(stage: &Stage) {
    let shop = stage.namespace("shop", json!({})).await;
    account(stage, &shop).await;
    grant(stage, &manifest(stage, "namespaced/rbac.yaml"), &shop).await;
    let yaml = SIMPLE
        .replace("['ID-*']", "[ID-shop]")
        .replace("namespace: ID-refresh", "namespace: ID-shop");
    let daemon = stage.daemon(&stage.plan(&yaml)).await;
    stage.until("all", async || served(&daemon).await).await;
    nothing_forbidden(stage, &daemon).await;
    daemon.stop().await;
    // The same rights for a single run.
    stage.delete(&shop, "secrets", "regcred").await;
    let reports = stage.once(&stage.plan(&yaml)).await;
    assert_eq!(actions(&reports), [Action::Create]);
    assert!(
        reports.iter().all(|report| report.action.is_good()),
        "{reports:?}"
    );
    if let Some(fake) = &stage.fake {
        let asked = fake.asked("list", "namespaces") + fake.asked("watch", "namespaces");
        assert_eq!(asked, 0);
        assert_eq!(fake.forbidden(), Vec::<String>::new());
    }
}

async fn the_rights_reach_no_other_secret(stage: &Stage) {
    let home = stage.namespace("refresh", json!({})).await;
    let ns = stage.namespace("a", json!({})).await;
    let empty = json!({"auths": {}});
    stage.make(&ns, "secrets", &theirs("other", &empty)).await;
    grant(stage, &manifest(stage, "cluster/rbac.yaml"), &home).await;
    let all = format!("/api/v1/namespaces/{ns}/secrets");
    let path = |name: &str| format!("{all}/{name}?fieldManager=m");
    let apply = |path: &str, name: &str| {
        let body = theirs(name, &empty);
        let call = Raw::patch("", "application/apply-patch+yaml", body);
        (
            path.to_owned(),
            call.method,
            call.content.to_owned(),
            call.body,
        )
    };
    let plain = |method: Method, path: &str, body: Value| {
        (path.to_owned(), method, "application/json".to_owned(), body)
    };
    let (ours, other, new) = (path("regcred"), path("other"), path("new"));
    let named = format!("{all}?fieldSelector=metadata.name%3Dregcred");
    let named_other = format!("{all}?fieldSelector=metadata.name%3Dother");
    let post = plain(Method::POST, &all, theirs("regcred", &empty));
    for (what, (path, method, content, body), expected) in [
        ("make ours by its name", apply(&ours, "regcred"), 201),
        ("change ours", apply(&ours, "regcred"), 200),
        ("read ours", plain(Method::GET, &ours, Value::Null), 200),
        ("list ours", plain(Method::GET, &named, Value::Null), 200),
        ("make ours without its name in the path", post, 403),
        (
            "delete ours",
            plain(Method::DELETE, &ours, Value::Null),
            403,
        ),
        ("read another", plain(Method::GET, &other, Value::Null), 403),
        ("change another", apply(&other, "other"), 403),
        ("make another", apply(&new, "new"), 403),
        (
            "list another",
            plain(Method::GET, &named_other, Value::Null),
            403,
        ),
        ("list all", plain(Method::GET, &all, Value::Null), 403),
        (
            "list all of the cluster",
            plain(Method::GET, "/api/v1/secrets", Value::Null),
            403,
        ),
    ] {
        let call = Raw {
            content: &content,
            ..Raw::new(method, &path, body)
        };
        let (code, answer) = stage.raw_as_refresher(call).await;
        assert_eq!(code, expected, "{what}: {answer}");
    }
}

async fn without_the_right_to_create_the_reason_is_reported(stage: &Stage) {
    let home = stage.namespace("refresh", json!({})).await;
    stage.namespace("a", json!({})).await;
    let rules = "
- {apiGroups: [''], resources: [secrets], resourceNames: [regcred], verbs: [get, patch]}
- {apiGroups: [''], resources: [namespaces], verbs: [list]}";
    grant(stage, &objects(stage, &role(rules)), &home).await;
    let yaml = SIMPLE.replace("serviceAccounts: {names: [default]}", "");
    let reports = stage.once(&stage.plan(&yaml)).await;
    assert_eq!(actions(&reports), [Action::Failed]);
    let reason = reports[0].reason.as_deref().unwrap_or_default();
    assert!(
        reason.contains("403 Forbidden") && reason.contains("cannot create"),
        "{reason}"
    );
    assert_eq!(reports[0].cause, Some("forbidden"));
}

async fn without_the_right_to_watch_secrets_the_periodic_look_finds_what_was_changed(
    stage: &Stage,
) {
    let home = stage.namespace("refresh", json!({})).await;
    let ns = stage.namespace("a", json!({})).await;
    account(stage, &ns).await;
    let rules = "
- {apiGroups: [''], resources: [secrets], resourceNames: [regcred], verbs: [get, patch, create]}
- {apiGroups: [''], resources: [namespaces], verbs: [get, list, watch]}
- {apiGroups: [''], resources: [serviceaccounts], verbs: [get, patch]}";
    grant(stage, &objects(stage, &role(rules)), &home).await;
    let yaml = SIMPLE.replace(
        "leaderElection: {namespace: ID-refresh, name: ID-refresh}",
        "intervals: {reapply: 1s}",
    );
    let daemon = stage.daemon(&stage.plan(&yaml)).await;
    let there = async || stage.secret(&ns, "regcred").await.is_some();
    stage.until("the Secret", there).await;
    stage.delete(&ns, "secrets", "regcred").await;
    stage.until("it back", there).await;
    let linked = async || {
        let account = stage.get(&ns, "serviceaccounts", "default").await;
        !account.expect("there")["imagePullSecrets"].is_null()
    };
    stage.until("the account", linked).await;
    daemon.stop().await;
}

async fn the_role_for_cleaning_up_is_enough_for_it(stage: &Stage) {
    let home = stage.namespace("refresh", json!({})).await;
    let ns = stage.namespace("a", json!({})).await;
    account(stage, &ns).await;
    let plan = stage.plan(SIMPLE);
    stage.once(&plan).await;
    assert!(stage.secret(&ns, "regcred").await.is_some());
    // Whom it is bound to is the reader's choice.
    let mut all = manifest(stage, "cluster/cleanup-rbac.yaml");
    let binding = ACCOUNT.replace("ROLE", "regcred-refresh-cleanup");
    all.extend(objects(stage, &binding));
    grant(stage, &all, &home).await;
    let refresher = stage.refresher(&plan, Mode::default()).await;
    let reports = refresher.cleanup(|_| {}).await.expect("a run");
    assert!(
        reports.iter().all(|report| report.action.is_good()),
        "{reports:?}"
    );
    assert!(stage.secret(&ns, "regcred").await.is_none());
    let account = stage.get(&ns, "serviceaccounts", "default").await;
    let list = &account.expect("there")["imagePullSecrets"];
    assert!(list.as_array().is_none_or(Vec::is_empty), "{list}");
}

async fn the_role_for_tenants_is_enough_to_prove_their_identity(stage: &Stage) {
    let home = stage.namespace("refresh", json!({})).await;
    let annotated = json!({"annotations": {"fake.io/role": "role-a"}});
    let ns = stage.namespace("a", annotated).await;
    account(stage, &ns).await;
    let mut all = manifest(stage, "cluster/rbac.yaml");
    all.extend(manifest(stage, "clouds/tenants/rbac.yaml"));
    grant(stage, &all, &home).await;
    let identity = "namespaceIdentity: {annotation: fake.io/role, audience: fake}, hosts:";
    let reports = stage
        .once(&stage.plan(&SIMPLE.replace("hosts:", identity)))
        .await;
    assert_eq!(actions(&reports), [Action::Create], "{reports:?}");
    let roles = stage
        .cloud
        .roles
        .lock()
        .expect("no test panics here")
        .clone();
    assert_eq!(roles, ["role-a"]);
}

/// Waits for the service account that a controller makes.
async fn account(stage: &Stage, namespace: &str) {
    let there = async || {
        let found = stage.get(namespace, "serviceaccounts", "default").await;
        found.is_some()
    };
    stage.until("the account", there).await;
}

async fn served(daemon: &Handle) -> bool {
    let metrics = page(daemon, "/metrics").await.1;
    metrics.contains("secrets_managed{target=\"t\"} 1")
}

async fn nothing_forbidden(stage: &Stage, daemon: &Handle) {
    let metrics = page(daemon, "/metrics").await.1;
    let lines = metrics.lines();
    let forbidden = lines.filter(|line| line.contains("reason=\"forbidden\""));
    let forbidden: Vec<_> = forbidden.collect();
    assert!(!forbidden.is_empty(), "{metrics}");
    assert!(
        forbidden.iter().all(|line| line.ends_with("} 0")),
        "{metrics}"
    );
    if let Some(fake) = &stage.fake {
        assert_eq!(fake.forbidden(), Vec::<String>::new());
    }
}

/// The refresher's account with these rules in all namespaces.
fn role(rules: &str) -> String {
    let head = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\n";
    let binding = ACCOUNT.replace("ROLE", "regcred-refresh");
    format!("{binding}\n---\n{head}metadata: {{name: regcred-refresh}}\nrules:{rules}\n")
}

const ACCOUNT: &str = "apiVersion: v1
kind: ServiceAccount
metadata: {name: regcred-refresh, namespace: regcred-refresh}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: ROLE}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: ROLE}
subjects: [{kind: ServiceAccount, name: regcred-refresh, namespace: regcred-refresh}]";
