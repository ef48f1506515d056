//! What a cluster does to its clients: requests are throttled and refused, and the refresher is killed.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use regcred_refresh::{Action, Mode, Report, exit, exit_code};
use serde_json::json;

use crate::cloud::CANARY;
use crate::observed::{has, page};
use crate::stage::{Stage, actions, config_of, theirs};

pub(crate) const SIMPLE: &str = "
registries: [{name: r, provider: fake, hosts: [a.eu.fake.io]}]
targets: [{name: t, secret: {name: ID-pull}, namespaces: {include: ['ID-*']}}]
";

pub(crate) async fn namespaces(stage: &Stage, count: usize) -> Vec<String> {
    let mut names = Vec::new();
    for n in 0..count {
        names.push(stage.namespace(&format!("n{n}"), json!({})).await);
    }
    names
}

pub(crate) async fn all(stage: &Stage, names: &[String]) -> bool {
    all_there(stage, names)
}

fn all_there(stage: &Stage, names: &[String]) -> bool {
    let pull = stage.ns("pull");
    names
        .iter()
        .all(|ns| stage.told().object("secrets", ns, &pull).is_some())
}

#[tokio::test]
async fn throttling_and_passing_failures_are_waited_out() {
    let stage = Stage::fake().await;
    let fake = stage.told();
    let names = namespaces(&stage, 10).await;
    fake.fail("patch", "secrets", 429, Some(1), 3);
    fake.fail("get", "secrets", 500, None, 2);
    fake.fail("list", "namespaces", 503, None, 1);
    let started = std::time::Instant::now();
    let reports = stage.once(&stage.plan(SIMPLE)).await;
    assert_eq!(actions(&reports), [Action::Create; 10], "{reports:?}");
    assert!(
        started.elapsed() >= Duration::from_secs(1),
        "Retry-After was not honoured"
    );
    assert_eq!(fake.asked("patch", "secrets"), 13);
    assert!(all(&stage, &names).await);
}

#[tokio::test]
async fn one_broken_namespace_stops_no_other() {
    let stage = Stage::fake().await;
    let fake = stage.told();
    let names = namespaces(&stage, 4).await;
    fake.terminate(&names[1]);
    let reports = stage.once(&stage.plan(SIMPLE)).await;
    let expected = [Action::Create, Action::Create, Action::Create, Action::Skip];
    assert_eq!(actions(&reports), expected);
    assert_eq!(exit_code(&reports, stage.time.now()), exit::DONE);
    // Terminating, as only the answer says.
    let named = |names: &str| {
        let yaml = SIMPLE
            .replace("ID-pull", "ID-other")
            .replace("'ID-*'", names);
        stage.plan(&yaml)
    };
    let reports = stage.once(&named("ID-n1, ID-n2")).await;
    assert_eq!(actions(&reports), [Action::Create, Action::Skip]);
    assert_eq!(
        fake.asked("list", "namespaces"),
        1,
        "names by themselves need no list"
    );
    // A quota.
    fake.fail("patch", "secrets", 403, None, 1);
    let reports = stage.once(&named("ID-n0, ID-n3")).await;
    assert_eq!(actions(&reports), [Action::Create, Action::Failed]);
    assert_eq!(exit_code(&reports, stage.time.now()), exit::SOME_FAILED);
}

#[tokio::test]
async fn fields_of_another_manager_are_reported_with_its_name() {
    let stage = Stage::fake().await;
    let fake = stage.told();
    let names = namespaces(&stage, 1).await;
    let (ns, name) = (&names[0], stage.ns("pull"));
    let path = format!("/api/v1/namespaces/{ns}/secrets?fieldManager=helm");
    let secret = theirs(&name, &json!({"auths": {}}));
    stage.ask(http::Method::POST, &path, &secret).await;
    // It came between the look and the write.
    fake.fail("get", "secrets", 404, None, 1);
    let reports = stage.once(&stage.plan(SIMPLE)).await;
    assert_eq!(actions(&reports), [Action::Conflict]);
    let reason = reports[0].reason.as_deref().unwrap_or_default();
    assert!(reason.contains("helm"), "{reason}");
    let now = stage.secret(ns, &name).await.expect("there");
    assert_eq!(now["data"], secret["data"]);
}

#[tokio::test]
async fn service_accounts_that_cannot_be_read_are_reported() {
    let stage = Stage::fake().await;
    let fake = stage.told();
    let names = namespaces(&stage, 1).await;
    let named = "serviceAccounts: {names: [robot, default]}, secret:";
    let all = "serviceAccounts: {all: true}, secret:";
    let failed = |reports: &[Report]| -> Vec<(&'static str, String, Option<&'static str>)> {
        let failed = reports.iter().filter(|report| !report.action.is_good());
        failed
            .map(|report| (report.kind, report.name.clone(), report.cause))
            .collect()
    };
    let expected = |name: &str, cause| vec![("ServiceAccount", name.to_owned(), Some(cause))];
    // One that cannot be read does not hide the others; a request that may succeed is sent four times.
    for (rule, verb, code, times, name, cause) in [
        (all, "list", 403, 1, "*", "forbidden"),
        (all, "list", 503, 4, "*", "unreachable"),
        (named, "get", 500, 4, "robot", "unreachable"),
        (named, "get", 403, 1, "robot", "forbidden"),
    ] {
        let linked = || {
            let account = fake.object("serviceaccounts", &names[0], "default");
            account.expect("there")["imagePullSecrets"].is_array()
        };
        assert!(!linked(), "{verb} {code}");
        fake.fail(verb, "serviceaccounts", code, None, times);
        let plan = stage.plan(&SIMPLE.replace("secret:", rule));
        let reports = stage.once(&plan).await;
        assert_eq!(failed(&reports), expected(name, cause), "{verb} {code}");
        let code = exit_code(&reports, stage.time.now());
        assert_eq!(code, exit::SOME_FAILED, "{reports:?}");
        if linked() {
            assert_eq!(rule, named);
            fake.remove("serviceaccounts", &names[0], "default");
            fake.account(&names[0], "default");
        }
    }
    // A Secret that an account may still list is kept, and reported.
    let plan = stage.plan(&SIMPLE.replace("secret:", named));
    stage.once(&plan).await;
    fake.fail("get", "serviceaccounts", 403, None, 1);
    let refresher = stage.refresher(&plan, Mode::default()).await;
    let reports = refresher.cleanup(|_| {}).await.expect("a run");
    assert!(
        failed(&reports).contains(&("Secret", stage.ns("pull"), None)),
        "{reports:?}"
    );
    assert!(all_there(&stage, &names));
}

#[tokio::test]
async fn service_accounts_that_cannot_be_read_are_counted_and_linked_later() {
    let stage = Stage::fake().await;
    let fake = stage.told();
    let names = namespaces(&stage, 1).await;
    fake.fail("list", "serviceaccounts", 403, None, 1);
    fake.fail("get", "serviceaccounts", 403, None, 1);
    let yaml = SIMPLE.replace("secret:", "serviceAccounts: {names: [default]}, secret:");
    let daemon = stage.daemon(&stage.plan(&yaml)).await;
    let counted = "errors_total{target=\"t\",reason=\"forbidden\"} 1\n";
    stage
        .until("an error", async || {
            page(&daemon, "/metrics").await.1.contains(counted)
        })
        .await;
    let expected = json!([{"name": stage.ns("pull")}]);
    stage
        .until("the link", async || {
            let account = fake.object("serviceaccounts", &names[0], "default");
            account.expect("there")["imagePullSecrets"] == expected
        })
        .await;
    daemon.stop().await;
}

#[tokio::test]
async fn conflicts_on_an_account_are_read_and_tried_again() {
    let stage = Stage::fake().await;
    let fake = stage.told();
    let names = namespaces(&stage, 1).await;
    fake.fail("patch", "serviceaccounts", 409, None, 2);
    let yaml = SIMPLE.replace("secret:", "serviceAccounts: {names: [default]}, secret:");
    let reports = stage.once(&stage.plan(&yaml)).await;
    assert!(
        reports.iter().all(|report| report.action.is_good()),
        "{reports:?}"
    );
    let account = fake
        .object("serviceaccounts", &names[0], "default")
        .expect("there");
    assert_eq!(
        account["imagePullSecrets"],
        json!([{"name": stage.ns("pull")}])
    );
    assert_eq!(fake.asked("patch", "serviceaccounts"), 3);
}

#[tokio::test]
async fn a_provider_that_panics_is_a_failure_of_its_registry_alone() {
    let stage = Stage::fake().await;
    let names = namespaces(&stage, 3).await;
    let other = crate::cloud::Cloud::start();
    other.panic(true);
    let yaml = format!(
        "
registries:
- {{name: good, provider: fake, hosts: [a.eu.fake.io]}}
- {{name: bad, provider: fake, hosts: [a.us.fake.io], env: {{FAKE_ID: {}}}}}
targets:
- {{name: b, registries: [bad], secret: {{name: ID-other}}, namespaces: {{include: ['ID-*']}}}}
- {{name: g, registries: [good], secret: {{name: ID-pull}}, namespaces: {{include: ['ID-*']}}}}
",
        other.id
    );
    let plan = stage.plan(&yaml);
    let reports = stage.once(&plan).await;
    let (failed, created) = ([Action::Failed; 3], [Action::Create; 3]);
    assert_eq!(actions(&reports), [created, failed].concat(), "{reports:?}");
    assert_eq!(exit_code(&reports, stage.time.now()), exit::SOME_FAILED);
    for report in reports.iter().filter(|report| report.target == "b") {
        let reason = report.reason.as_deref().unwrap_or_default();
        let words = "registry bad: fake: a panic, which is a bug; report it ";
        assert!(reason.starts_with(words), "{reason}");
        assert!(!reason.contains(CANARY), "{reason}");
    }
    let daemon = stage.daemon(&plan).await;
    let has_all = async |name: &str| {
        let name = stage.ns(name);
        let fake = stage.told();
        names
            .iter()
            .all(|ns| fake.object("secrets", ns, &name).is_some())
    };
    let counted = "token_refresh_total{source=\"bad\",result=\"malformed\"} 0\n";
    stage
        .until("a panic", async || {
            !page(&daemon, "/metrics").await.1.contains(counted)
        })
        .await;
    assert_eq!(page(&daemon, "/healthz").await.0, 200);
    let late = stage.namespace("late", json!({})).await;
    stage
        .until("a new namespace", async || has(&stage, &late).await)
        .await;
    // It is asked again as after any other failure.
    other.panic(false);
    stage.time.on(TimeDelta::minutes(6));
    stage
        .until("the other registry's", async || has_all("other").await)
        .await;
    daemon.stop().await;
}

#[tokio::test]
async fn killed_at_any_point_no_secret_holds_less_than_before() {
    let stage = Stage::fake().await;
    let fake = stage.told();
    let names = namespaces(&stage, 6).await;
    let other = crate::cloud::Cloud::start();
    let yaml = format!(
        "
registries:
- {{name: one, provider: fake, hosts: [a.eu.fake.io]}}
- {{name: two, provider: fake, hosts: [a.us.fake.io], env: {{FAKE_ID: {}}}}}
targets: [{{name: t, secret: {{name: ID-pull}}, namespaces: {{include: ['ID-*']}}}}]
",
        other.id
    );
    let plan = stage.plan(&yaml);
    let name = stage.ns("pull");
    let held = || -> Vec<BTreeSet<String>> {
        let of = |ns: &String| match fake.object("secrets", ns, &name) {
            None => BTreeSet::new(),
            Some(secret) => {
                let config = config_of(&secret);
                config["auths"]
                    .as_object()
                    .expect("entries")
                    .keys()
                    .cloned()
                    .collect()
            }
        };
        names.iter().map(of).collect()
    };
    let mut before = held();
    for round in 0..24 {
        let start = fake.requests();
        // Sometimes a registry fails, sometimes everything is due.
        other.fail(round % 3 == 1);
        if round % 4 == 3 {
            stage.time.on(TimeDelta::hours(7));
        }
        let daemon = stage.daemon(&plan).await;
        let end = tokio::time::Instant::now() + Duration::from_millis(400);
        while fake.requests() - start < round && tokio::time::Instant::now() < end {
            tokio::task::yield_now().await;
        }
        daemon.kill();
        let now = held();
        for (old, new) in before.iter().zip(&now) {
            assert!(old.is_subset(new), "round {round}: {old:?} became {new:?}");
        }
        before = now;
    }
    other.fail(false);
    let daemon = stage.daemon(&plan).await;
    stage.time.on(TimeDelta::minutes(10));
    stage
        .until("all", async || held().iter().all(|hosts| hosts.len() == 2))
        .await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_namespace_that_is_named_may_come_later() {
    let stage = Stage::fake().await;
    let daemon = stage
        .daemon(&stage.plan(&SIMPLE.replace("'ID-*'", "ID-late")))
        .await;
    stage
        .until("a first try", async || stage.cloud.calls() == 1)
        .await;
    let ns = stage.namespace("late", json!({})).await;
    stage
        .until("the Secret", async || has(&stage, &ns).await)
        .await;
    assert_eq!(stage.told().asked("list", "namespaces"), 0);
    daemon.stop().await;
}
