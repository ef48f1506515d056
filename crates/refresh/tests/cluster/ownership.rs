//! Objects that others made or changed: what is left alone, what is taken over, what is put back.

use regcred_refresh::{Action, Mode, exit, exit_code};
use serde_json::{Value, json};

use crate::cloud::CANARY;
use crate::once::SIMPLE;
use crate::stage::{Stage, actions, config_of, password, theirs};

mod tests {
    crate::both! {
        secrets_of_others_are_left_alone_unless_allowed
        merged_secrets_keep_what_is_theirs
        types_and_immutable_secrets_are_replaced_only_by_force
        service_accounts_keep_what_they_had
        cleanup_takes_away_ours_alone
        what_another_writer_changed_is_put_back_though_nothing_is_due
    }
}

async fn secrets_of_others_are_left_alone_unless_allowed(stage: &Stage) {
    let ns = stage.namespace("a", json!({})).await;
    let before = stage
        .make(&ns, "secrets", &theirs("pull", &json!({"auths": {}})))
        .await;
    let plan = stage.plan(SIMPLE);
    let reports = stage.once(&plan).await;
    assert_eq!(actions(&reports), [Action::Foreign]);
    assert_eq!(exit_code(&reports, stage.time.now()), exit::ALL_FAILED);
    assert_eq!(
        stage.cloud.calls(),
        0,
        "no token is requested that nothing gets"
    );
    let now = stage.secret(&ns, "pull").await.expect("there");
    assert_eq!(
        now["metadata"]["resourceVersion"],
        before["metadata"]["resourceVersion"]
    );
    // Allowed by its owner.
    let mut marked = now;
    marked["metadata"]["annotations"]["refresh.regcred.dev/adopt"] = "true".into();
    stage.update(&ns, "secrets", &marked).await;
    assert_eq!(actions(&stage.once(&plan).await), [Action::Update]);
    let adopted = stage.secret(&ns, "pull").await.expect("there");
    assert_eq!(adopted["metadata"]["uid"], before["metadata"]["uid"]);
    assert!(password(&adopted, "a.eu.fake.io").is_some());
}

async fn merged_secrets_keep_what_is_theirs(stage: &Stage) {
    let ns = stage.namespace("a", json!({})).await;
    let config = json!({"auths": {"x.io": {"auth": "eA=="}, "a.eu.fake.io": {"auth": "b2xk"}}});
    let mut before = theirs("pull", &config);
    before["metadata"]["labels"] = json!({"app.kubernetes.io/managed-by": "helm"});
    stage.make(&ns, "secrets", &before).await;
    let plan = stage.plan(&SIMPLE.replace("name: pull", "name: pull, ownership: Merge"));
    assert_eq!(actions(&stage.once(&plan).await), [Action::Update]);
    let after = stage.secret(&ns, "pull").await.expect("there");
    assert_eq!(after["metadata"]["labels"], before["metadata"]["labels"]);
    assert_eq!(config_of(&after)["auths"]["x.io"]["auth"], "eA==");
    assert!(password(&after, "a.eu.fake.io").is_some());
    assert!(password(&after, "b.eu.fake.io").is_some());
}

async fn types_and_immutable_secrets_are_replaced_only_by_force(stage: &Stage) {
    let (a, b) = (
        stage.namespace("a", json!({})).await,
        stage.namespace("b", json!({})).await,
    );
    let opaque = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "pull"}, "type": "Opaque",
    });
    stage.make(&a, "secrets", &opaque).await;
    let mut frozen = theirs("pull", &json!({"auths": {}}));
    frozen["metadata"]["labels"] = json!({"app.kubernetes.io/managed-by": "regcred-refresh"});
    frozen["immutable"] = true.into();
    stage.make(&b, "secrets", &frozen).await;
    let plan = stage.plan(SIMPLE);
    assert_eq!(
        actions(&stage.once(&plan).await),
        [Action::Foreign, Action::Failed]
    );
    let force = Mode {
        force: true,
        ..Mode::default()
    };
    assert_eq!(
        actions(&stage.once_as(&plan, force).await),
        [Action::Update; 2]
    );
    for ns in [a, b] {
        let secret = stage.secret(&ns, "pull").await.expect("there");
        assert_eq!(secret["type"], "kubernetes.io/dockerconfigjson");
        assert!(password(&secret, "a.eu.fake.io").is_some());
    }
}

async fn service_accounts_keep_what_they_had(stage: &Stage) {
    let ns = stage.namespace("a", json!({})).await;
    stage
        .until("the account", async || {
            stage.get(&ns, "serviceaccounts", "default").await.is_some()
        })
        .await;
    let mut account = stage
        .get(&ns, "serviceaccounts", "default")
        .await
        .expect("there");
    account["imagePullSecrets"] = json!([{"name": "theirs"}]);
    stage.update(&ns, "serviceaccounts", &account).await;
    let named = SIMPLE.replace(
        "secret:",
        "serviceAccounts: {names: [default, absent]}, secret:",
    );
    let plan = stage.plan(&named);
    let reports = stage.once(&plan).await;
    assert_eq!(
        reports
            .iter()
            .filter(|r| r.kind == "ServiceAccount")
            .count(),
        1
    );
    let lists = |account: &Value| account["imagePullSecrets"].clone();
    let after = stage
        .get(&ns, "serviceaccounts", "default")
        .await
        .expect("there");
    assert_eq!(lists(&after), json!([{"name": "theirs"}, {"name": "pull"}]));
    stage.once(&plan).await;
    let again = stage
        .get(&ns, "serviceaccounts", "default")
        .await
        .expect("there");
    assert_eq!(
        again["metadata"]["resourceVersion"],
        after["metadata"]["resourceVersion"]
    );
    // All of them, and one chosen by label.
    let body = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {
        "name": "robot", "labels": {"pulls": "yes"}}});
    stage.make(&ns, "serviceaccounts", &body).await;
    let labelled = SIMPLE.replace(
        "secret:",
        "serviceAccounts: {selector: {matchLabels: {pulls: 'yes'}}}, secret:",
    );
    stage.once(&stage.plan(&labelled)).await;
    let robot = stage
        .get(&ns, "serviceaccounts", "robot")
        .await
        .expect("there");
    assert_eq!(lists(&robot), json!([{"name": "pull"}]));
}

async fn cleanup_takes_away_ours_alone(stage: &Stage) {
    let (a, b) = (
        stage.namespace("a", json!({})).await,
        stage.namespace("b", json!({})).await,
    );
    stage
        .until("the account", async || {
            stage.get(&a, "serviceaccounts", "default").await.is_some()
        })
        .await;
    stage
        .make(&b, "secrets", &theirs("pull", &json!({"auths": {}})))
        .await;
    let named = SIMPLE.replace("secret:", "serviceAccounts: {names: [default]}, secret:");
    let plan = stage.plan(&named);
    stage.once(&plan).await;
    let refresher = stage.refresher(&plan, Mode::default()).await;
    let reports = refresher.cleanup(|_| {}).await.expect("a run");
    assert!(actions(&reports).contains(&Action::Delete), "{reports:?}");
    assert!(stage.secret(&a, "pull").await.is_none());
    assert!(stage.secret(&b, "pull").await.is_some());
    let account = stage
        .get(&a, "serviceaccounts", "default")
        .await
        .expect("there");
    let list = account["imagePullSecrets"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    assert!(list.is_empty(), "{account}");
}

async fn what_another_writer_changed_is_put_back_though_nothing_is_due(stage: &Stage) {
    let ns = stage.namespace("a", json!({})).await;
    let plan = stage.plan(SIMPLE);
    assert_eq!(actions(&stage.once(&plan).await), [Action::Create]);
    let made = stage.secret(&ns, "pull").await.expect("made");
    let wrong = theirs(
        "pull",
        &json!({"auths": {"a.eu.fake.io": {"auth": "eDp4"}}}),
    );
    let none = theirs("pull", &json!({"auths": {}}));
    let key = "refresh.regcred.dev/expires-at";
    let far = json!({"annotations": {key: "2099-01-01T00:00:00Z"}});
    for (what, change) in [
        ("entries", json!({"data": wrong["data"]})),
        ("no entries", json!({"data": none["data"]})),
        ("times", json!({"metadata": far})),
    ] {
        stage.merge(&ns, "secrets/pull", &change).await;
        // What is there is not known to be valid while it cannot be put back.
        stage.cloud.fail(true);
        let reports = stage.once(&plan).await;
        let code = exit_code(&reports, stage.time.now());
        assert_eq!(code, exit::ALL_FAILED, "{what}");
        stage.cloud.fail(false);
        let actions = actions(&stage.once(&plan).await);
        assert_eq!(actions, [Action::Update], "{what}");
        let now = stage.secret(&ns, "pull").await.expect("there");
        let password = password(&now, "a.eu.fake.io").expect("a login");
        assert!(password.starts_with(CANARY), "{what}");
        assert_ne!(now["metadata"]["annotations"][key], "2099-01-01T00:00:00Z");
        assert_eq!(now["metadata"]["uid"], made["metadata"]["uid"], "in place");
    }
    // What others add besides is theirs.
    let more = json!({"metadata": {"labels": {"team": "x"}, "annotations": {"note": "y"}}});
    stage.merge(&ns, "secrets/pull", &more).await;
    assert_eq!(actions(&stage.once(&plan).await), [Action::Unchanged]);
}
