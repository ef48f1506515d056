//! One run: which tokens are requested, what is written where, and the exit code.

use base64::Engine as _;
use chrono::TimeDelta;
use regcred_refresh::{Action, Mode, exit, exit_code};
use serde_json::{Value, json};

use crate::cloud::CANARY;
use crate::stage::{Stage, actions, config_of, password, theirs};

mod tests {
    crate::both! {
        one_token_serves_all_and_nothing_is_written_twice
        several_registries_share_a_secret_and_a_failing_one_keeps_its_entries
        namespaces_are_chosen_by_name_label_and_annotation
        a_dry_run_changes_nothing
        a_namespace_may_have_its_own_identity
        the_older_form_and_names_with_places_work
        two_paths_of_one_host_are_two_entries_of_one_secret
    }
}

#[tokio::test]
async fn only_logins_that_are_known_to_be_valid_count_as_valid() {
    let stage = Stage::fake().await;
    let fake = stage.told();
    let ns = stage.namespace("a", json!({})).await;
    let other = crate::cloud::Cloud::start();
    let file = stage.directory().join("config.json");
    let registries = format!(
        "
registries:
- {{name: one, provider: fake, hosts: [a.eu.fake.io]}}
- {{name: two, provider: fake, hosts: [a.us.fake.io], env: {{FAKE_ID: {}}}}}
",
        other.id
    );
    let secret = format!(
        "{registries}targets: [{{name: t, secret: {{name: pull}}, namespaces: {{include: ['ID-a']}}}}]\n"
    );
    let merged = secret.replace("name: pull", "name: pull, ownership: Merge");
    let config = format!(
        "{registries}targets: [{{name: t, dockerConfig: {{path: {}}}}}]\n",
        file.display()
    );
    let code = async |yaml: &str| {
        let plan = stage.plan(yaml);
        let reports = stage.once(&plan).await;
        assert_eq!(reports.len(), 1, "{reports:?}");
        assert!(reports[0].action.is_good(), "{reports:?}");
        exit_code(&reports, stage.time.now())
    };
    // A file records no ages, and neither does a Secret of another owner.
    assert_eq!(code(&config).await, exit::DONE);
    other.fail(true);
    assert_eq!(code(&config).await, exit::SOME_FAILED);
    fake.put("secrets", {
        let mut secret = theirs(
            "pull",
            &json!({"auths": {"a.us.fake.io": {"auth": "dTpw"}}}),
        );
        secret["metadata"]["namespace"] = ns.clone().into();
        secret
    });
    assert_eq!(code(&merged).await, exit::SOME_FAILED);
    fake.remove("secrets", &ns, "pull");
    // A host that is new in the configuration has no entry yet.
    other.fail(false);
    assert_eq!(code(&secret).await, exit::DONE);
    other.fail(true);
    stage.time.on(TimeDelta::hours(7));
    assert_eq!(code(&secret).await, exit::STILL_VALID);
    let more = secret.replace("[a.us.fake.io]", "[a.us.fake.io, b.us.fake.io]");
    assert_eq!(code(&more).await, exit::SOME_FAILED);
}

pub(crate) const SIMPLE: &str = "
registries: [{name: r, provider: fake, hosts: [a.eu.fake.io, b.eu.fake.io]}]
targets: [{name: t, secret: {name: pull}, namespaces: {include: ['ID-*']}}]
";

async fn one_token_serves_all_and_nothing_is_written_twice(stage: &Stage) {
    let mut names = Vec::new();
    for name in ["a", "b", "c"] {
        names.push(stage.namespace(name, json!({})).await);
    }
    let plan = stage.plan(SIMPLE);
    let reports = stage.once(&plan).await;
    assert_eq!(actions(&reports), [Action::Create; 3]);
    assert_eq!(stage.cloud.calls(), 1);
    let first = stage.secret(&names[0], "pull").await.expect("made");
    assert_eq!(first["type"], "kubernetes.io/dockerconfigjson");
    assert_eq!(
        first["metadata"]["labels"]["app.kubernetes.io/managed-by"],
        "regcred-refresh"
    );
    let expected = format!("{CANARY}-own-1");
    assert_eq!(password(&first, "a.eu.fake.io").as_ref(), Some(&expected));
    assert_eq!(password(&first, "b.eu.fake.io").as_ref(), Some(&expected));

    // Younger than half of its life: neither a call nor a write.
    let reports = stage.once(&plan).await;
    assert_eq!(actions(&reports), [Action::Unchanged; 3]);
    assert_eq!(stage.cloud.calls(), 1);
    assert_eq!(exit_code(&reports, stage.time.now()), exit::DONE);

    // Another label is worth a write, but no token.
    let labelled = stage.plan(&SIMPLE.replace("{name: pull}", "{name: pull, labels: {x: 'y'}}"));
    assert_eq!(actions(&stage.once(&labelled).await), [Action::Update; 3]);
    assert_eq!(stage.cloud.calls(), 1);
    let secret = stage.secret(&names[0], "pull").await.expect("there");
    assert_eq!(secret["metadata"]["labels"]["x"], "y");
    assert_eq!(secret["data"], first["data"]);

    // Without --if-needed a new token; and at half of its life too.
    let anew = Mode {
        renew_all: true,
        ..Mode::default()
    };
    assert_eq!(
        actions(&stage.once_as(&plan, anew).await),
        [Action::Update; 3]
    );
    assert_eq!(stage.cloud.calls(), 2);
    stage.time.on(TimeDelta::hours(7));
    assert_eq!(actions(&stage.once(&plan).await), [Action::Update; 3]);
    assert_eq!(stage.cloud.calls(), 3);
    let again = stage.secret(&names[0], "pull").await.expect("there");
    assert_eq!(
        again["metadata"]["uid"], first["metadata"]["uid"],
        "in place"
    );
    assert_eq!(
        password(&again, "a.eu.fake.io"),
        Some(format!("{CANARY}-own-3"))
    );
    let managed = again["metadata"]["managedFields"].to_string();
    assert!(
        managed.contains("regcred-refresh") && !managed.contains(CANARY),
        "{managed}"
    );

    // A refresher that was restarted and cannot get a token leaves everything as it is.
    stage.cloud.fail(true);
    stage.time.on(TimeDelta::hours(7));
    let reports = stage.once(&plan).await;
    assert_eq!(actions(&reports), [Action::Unchanged; 3]);
    assert!(reports.iter().all(|report| report.registry_failed));
    let soon = stage.time.now() + TimeDelta::minutes(15);
    assert_eq!(exit_code(&reports, soon), exit::STILL_VALID);
    stage.time.on(TimeDelta::hours(5));
    let reports = stage.once(&plan).await;
    assert_eq!(exit_code(&reports, stage.time.now()), exit::ALL_FAILED);
    let kept = stage.secret(&names[0], "pull").await.expect("there");
    assert_eq!(kept["data"], again["data"]);
}

async fn several_registries_share_a_secret_and_a_failing_one_keeps_its_entries(stage: &Stage) {
    let other = crate::cloud::Cloud::start();
    let ns = stage.namespace("a", json!({})).await;
    let yaml = format!(
        "
registries:
- {{name: one, provider: fake, hosts: [a.eu.fake.io]}}
- {{name: two, provider: fake, hosts: [a.us.fake.io], env: {{FAKE_ID: {}}}}}
targets: [{{name: t, secret: {{name: pull}}, namespaces: {{include: ['ID-a']}}}}]
",
        other.id
    );
    let plan = stage.plan(&yaml);
    // What can be had is written, though not all of it can be had.
    other.fail(true);
    let reports = stage.once(&plan).await;
    assert_eq!(actions(&reports), [Action::Create]);
    assert!(reports[0].registry_failed && reports[0].expires_at.is_some());
    let code = exit_code(&reports, stage.time.now());
    assert_eq!(code, exit::SOME_FAILED, "one of them has no entry yet");
    other.fail(false);
    assert_eq!(actions(&stage.once(&plan).await), [Action::Update]);
    assert_eq!(
        (stage.cloud.calls(), other.calls()),
        (1, 2),
        "the good one is left alone"
    );
    let both = stage.secret(&ns, "pull").await.expect("made");
    let two = password(&both, "a.us.fake.io").expect("there");
    // One of them fails when both are due: its entry stays as it is.
    stage.time.on(TimeDelta::hours(7));
    other.fail(true);
    let reports = stage.once(&plan).await;
    assert_eq!(actions(&reports), [Action::Update]);
    assert_eq!(exit_code(&reports, stage.time.now()), exit::STILL_VALID);
    let after = stage.secret(&ns, "pull").await.expect("there");
    assert_eq!(password(&after, "a.us.fake.io"), Some(two));
    assert_ne!(after["data"], both["data"]);
}

async fn namespaces_are_chosen_by_name_label_and_annotation(stage: &Stage) {
    stage
        .namespace("plain", json!({"labels": {"team": "a"}}))
        .await;
    stage
        .namespace("other", json!({"labels": {"team": "b"}}))
        .await;
    stage
        .namespace("left-out", json!({"labels": {"team": "a"}}))
        .await;
    let out =
        json!({"labels": {"team": "a"}, "annotations": {"refresh.regcred.dev/ignore": "true"}});
    stage.namespace("opted-out", out).await;
    let yaml = SIMPLE.replace(
        "include: ['ID-*']",
        "include: ['ID-*'], exclude: ['*-left-*'], selector: {matchLabels: {team: a}}",
    );
    let reports = stage.once(&stage.plan(&yaml)).await;
    let served: Vec<_> = reports
        .iter()
        .map(|report| {
            (
                report.namespace.trim_start_matches(&stage.id),
                report.action,
            )
        })
        .collect();
    assert!(served.contains(&("-plain", Action::Create)));
    assert!(served.contains(&("-opted-out", Action::Skip)));
    assert_eq!(served.len(), 2, "{served:?}");
    assert!(stage.secret(&stage.ns("opted-out"), "pull").await.is_none());
}

async fn a_dry_run_changes_nothing(stage: &Stage) {
    let ns = stage.namespace("a", json!({})).await;
    let plan = stage.plan(SIMPLE);
    let dry = Mode {
        dry_run: true,
        ..Mode::default()
    };
    let reports = stage.once_as(&plan, dry).await;
    assert_eq!(actions(&reports), [Action::Create]);
    let line = reports[0].to_string();
    assert!(
        line.contains("a.eu.fake.io") && !line.contains(CANARY),
        "{line}"
    );
    assert!(stage.secret(&ns, "pull").await.is_none());
}

async fn a_namespace_may_have_its_own_identity(stage: &Stage) {
    let role = json!({"annotations": {"fake.io/role": "role-a"}});
    let a = stage.namespace("a", role).await;
    let b = stage.namespace("b", json!({})).await;
    for ns in [&a, &b] {
        stage
            .until("the account", async || {
                stage.get(ns, "serviceaccounts", "default").await.is_some()
            })
            .await;
    }
    let c = stage
        .namespace("c", json!({"annotations": {"fake.io/role": "role-c"}}))
        .await;
    stage
        .until("the account", async || {
            stage.get(&c, "serviceaccounts", "default").await.is_some()
        })
        .await;
    let identity = "namespaceIdentity: {annotation: fake.io/role, audience: fake}, hosts:";
    let plan = stage.plan(&SIMPLE.replace("hosts:", identity));
    let reports = stage.once(&plan).await;
    let expected = [Action::Create, Action::Create, Action::Skip];
    assert_eq!(actions(&reports), expected, "{reports:?}");
    let mut roles = stage
        .cloud
        .roles
        .lock()
        .expect("no test panics here")
        .clone();
    roles.sort_unstable();
    assert_eq!(roles, ["role-a", "role-c"]);
    for (ns, role) in [(&a, "role-a"), (&c, "role-c")] {
        let secret = stage.secret(ns, "pull").await.expect("made");
        let password = password(&secret, "a.eu.fake.io").expect("there");
        assert!(password.contains(role), "{password}");
    }
    assert!(
        stage.secret(&b, "pull").await.is_none(),
        "no role, no login of another"
    );
    // An annotation that the provider does not look at would give it the refresher's own token.
    let ignored = identity.replace("fake.io/role", "other.io/role");
    stage
        .namespace("d", json!({"annotations": {"other.io/role": "x"}}))
        .await;
    let d = stage.ns("d");
    stage
        .until("the account", async || {
            stage.get(&d, "serviceaccounts", "default").await.is_some()
        })
        .await;
    let yaml = SIMPLE
        .replace("hosts:", &ignored)
        .replace("'ID-*'", "'ID-d'");
    let reports = stage.once(&stage.plan(&yaml)).await;
    assert_eq!(actions(&reports), [Action::Failed]);
    let reason = reports[0].reason.as_deref().unwrap_or_default();
    assert!(reason.contains("does not select an identity"), "{reason}");
}

async fn two_paths_of_one_host_are_two_entries_of_one_secret(stage: &Stage) {
    let ns = stage.namespace("a", json!({})).await;
    let mut registries = String::new();
    for (name, hosts) in [
        ("clients", "https://registry.gitlab.com/org/clients/"),
        ("tools", "registry.gitlab.com/org/tools"),
        ("hub", "https://index.docker.io/v1/"),
    ] {
        let file = stage.directory().join(name);
        std::fs::write(&file, name).expect("a file");
        registries.push_str(&format!(
            "- {{name: {name}, provider: static, hosts: ['{hosts}'], \
             login: {{username: u, passwordFile: {}}}}}\n",
            file.display()
        ));
    }
    let yaml = format!(
        "registries:\n{registries}targets: [{{name: t, secret: {{name: pull}}, namespaces: {{include: ['ID-a']}}}}]\n"
    );
    let reports = stage.once(&stage.plan(&yaml)).await;
    assert_eq!(actions(&reports), [Action::Create], "{reports:?}");
    let secret = stage.secret(&ns, "pull").await.expect("made");
    let config = config_of(&secret);
    let keys: Vec<_> = config["auths"].as_object().expect("auths").keys().collect();
    let expected = [
        "index.docker.io",
        "registry.gitlab.com/org/clients",
        "registry.gitlab.com/org/tools",
    ];
    assert_eq!(keys, expected);
    for (key, name) in expected.iter().zip(["hub", "clients", "tools"]) {
        assert_eq!(password(&secret, key).as_deref(), Some(name));
    }
}

async fn the_older_form_and_names_with_places_work(stage: &Stage) {
    let ns = stage.namespace("a", json!({})).await;
    let yaml = SIMPLE.replace(
        "{name: pull}",
        "{name: '{registry}-{namespace}', type: kubernetes.io/dockercfg, labels: {x: 'y'}}",
    );
    let reports = stage.once(&stage.plan(&yaml)).await;
    assert_eq!(actions(&reports), [Action::Create]);
    let secret = stage.secret(&ns, &format!("r-{ns}")).await.expect("made");
    assert_eq!(secret["metadata"]["labels"]["x"], "y");
    let data = secret["data"][".dockercfg"]
        .as_str()
        .expect("the older key");
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(data)
        .expect("base64");
    let config: Value = serde_json::from_slice(&bytes).expect("JSON");
    assert_eq!(config["a.eu.fake.io"]["username"], "u");
}
