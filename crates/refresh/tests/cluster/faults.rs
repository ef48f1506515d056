//! What a cluster does to its clients: watches break or come too late, requests are throttled and
//! refused, the server goes away, and the refresher is killed.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use regcred_refresh::{Action, Mode, Report, exit, exit_code};
use serde_json::json;

use crate::cloud::CANARY;
use crate::daemon::{has, later, page};
use crate::stage::{Stage, actions, config_of, password, theirs};

const SIMPLE: &str = "
registries: [{name: r, provider: fake, hosts: [a.eu.fake.io]}]
targets: [{name: t, secret: {name: ID-pull}, namespaces: {include: ['ID-*']}}]
";

async fn namespaces(stage: &Stage, count: usize) -> Vec<String> {
    let mut names = Vec::new();
    for n in 0..count {
        names.push(stage.namespace(&format!("n{n}"), json!({})).await);
    }
    names
}

fn theirs_in(namespace: &str, name: &str) -> serde_json::Value {
    let mut secret = theirs(name, &json!({"auths": {}}));
    secret["metadata"]["namespace"] = namespace.into();
    secret
}

async fn all(stage: &Stage, names: &[String]) -> bool {
    all_there(stage, names)
}

fn all_there(stage: &Stage, names: &[String]) -> bool {
    let pull = stage.ns("pull");
    names
        .iter()
        .all(|ns| stage.told().object("secrets", ns, &pull).is_some())
}

#[tokio::test]
async fn a_watch_that_breaks_goes_on_and_only_one_that_is_too_late_lists_again() {
    let stage = Stage::fake().await;
    let fake = stage.told();
    let names = namespaces(&stage, 5).await;
    let daemon = stage.daemon(&stage.plan(SIMPLE)).await;
    stage.until("all", async || all(&stage, &names).await).await;
    let (lists, watches) = (
        fake.asked("list", "namespaces"),
        fake.asked("watch", "namespaces"),
    );
    assert_eq!(lists, 1);
    fake.break_watches();
    stage
        .until("a new watch", async || {
            fake.asked("watch", "namespaces") > watches
        })
        .await;
    let new = stage.namespace("after-break", json!({})).await;
    stage
        .until("the new one", async || has(&stage, &new).await)
        .await;
    assert_eq!(
        fake.asked("list", "namespaces"),
        1,
        "it went on where it was"
    );
    // Changes that are made while nothing is watched, then a version that is too old.
    fake.down(true);
    fake.namespace(&stage.ns("unseen"), json!({}));
    fake.remove_namespace(&names[0]);
    fake.compact();
    fake.down(false);
    let unseen = stage.ns("unseen");
    stage
        .until("the unseen one", async || has(&stage, &unseen).await)
        .await;
    assert_eq!(fake.asked("list", "namespaces"), 2);
    stage
        .until("the removed one forgotten", async || {
            page(&daemon, "/metrics")
                .await
                .1
                .contains("secrets_managed{target=\"t\"} 6")
        })
        .await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_watch_goes_on_from_the_last_bookmark() {
    let stage = Stage::fake().await;
    let fake = stage.told();
    let names = namespaces(&stage, 2).await;
    let daemon = stage.daemon(&stage.plan(SIMPLE)).await;
    stage.until("all", async || all(&stage, &names).await).await;
    let watches = || fake.asked("watch", "namespaces");
    stage.until("a watch", async || watches() == 1).await;
    // Much happens that is not of its concern; then the past is forgotten and the watch ends. Only
    // who took the version of the bookmark before its end can go on without another list.
    for n in 0..10 {
        fake.put("secrets", theirs_in("default", &format!("other-{n}")));
    }
    fake.compact();
    let version = fake.version();
    fake.end_watches();
    stage.until("the next watch", async || watches() > 1).await;
    let lines = fake.lines();
    let mut asked = lines
        .iter()
        .filter(|line| line.contains("/namespaces?") && line.contains("watch=true"));
    let next = asked.nth(1).expect("the second watch");
    assert!(next.contains("allowWatchBookmarks=true"), "{next}");
    let mut parts = next.split(['?', '&']);
    let from = parts.find_map(|part| part.strip_prefix("resourceVersion="));
    let from: Option<u64> = from.and_then(|from| from.parse().ok());
    assert!(from >= Some(version), "{next}, before {version}");
    let new = stage.namespace("new", json!({})).await;
    stage
        .until("the new one", async || has(&stage, &new).await)
        .await;
    assert_eq!(fake.asked("list", "namespaces"), 1);
    daemon.stop().await;
}

#[tokio::test]
async fn what_is_deleted_before_the_first_list_comes_back() {
    let stage = Stage::fake().await;
    let fake = stage.told();
    let names = namespaces(&stage, 1).await;
    // The list comes late: what is deleted meanwhile is in no list and no watch.
    fake.fail("list", "secrets", 503, None, 3);
    let daemon = stage.daemon(&stage.plan(SIMPLE)).await;
    stage.until("it", async || all(&stage, &names).await).await;
    fake.remove("secrets", &names[0], &stage.ns("pull"));
    stage
        .until("it back", async || all(&stage, &names).await)
        .await;
    daemon.stop().await;
}

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
async fn a_public_registrys_dead_login_is_taken_out() {
    let stage = Stage::fake().await;
    let names = namespaces(&stage, 1).await;
    let yaml = SIMPLE.replace("a.eu.fake.io", "public.ecr.aws");
    let plan = stage.plan(&yaml);
    stage.once(&plan).await;
    stage.cloud.fail(true);
    stage.time.on(TimeDelta::hours(8));
    assert_eq!(
        actions(&stage.once(&plan).await),
        [Action::Unchanged],
        "still good"
    );
    stage.time.on(TimeDelta::hours(8));
    assert_eq!(actions(&stage.once(&plan).await), [Action::Update]);
    let secret = stage
        .secret(&names[0], &stage.ns("pull"))
        .await
        .expect("there");
    assert_eq!(
        config_of(&secret),
        json!({"auths": {}}),
        "a pull without login works again"
    );
}

#[tokio::test]
async fn an_answer_that_has_already_expired_makes_no_hot_loop() {
    let stage = Stage::fake().await;
    stage.cloud.set_life(TimeDelta::days(-4000));
    let names = namespaces(&stage, 1).await;
    stage.time.stop();
    let daemon = stage.daemon(&stage.plan(SIMPLE)).await;
    stage
        .until("the Secret", async || has(&stage, &names[0]).await)
        .await;
    later(&stage, "later").await;
    assert_eq!(stage.cloud.calls(), 1);
    stage.time.on(TimeDelta::seconds(70));
    stage
        .until("the next", async || stage.cloud.calls() == 2)
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

#[tokio::test]
async fn a_clock_that_is_set_back_stops_nothing() {
    let stage = Stage::fake().await;
    stage.time.on(TimeDelta::days(300));
    let names = namespaces(&stage, 2).await;
    let daemon = stage.daemon(&stage.plan(SIMPLE)).await;
    stage.until("all", async || all(&stage, &names).await).await;
    stage.time.on(TimeDelta::days(-300));
    stage
        .until("a token of this time", async || stage.cloud.calls() == 2)
        .await;
    stage.told().remove("secrets", &names[0], &stage.ns("pull"));
    stage
        .until("all again", async || all(&stage, &names).await)
        .await;
    daemon.stop().await;
}
