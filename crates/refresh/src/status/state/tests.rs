use super::*;
use crate::config::Config;
use regcred_core::Env;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

fn status() -> (Status, Arc<AtomicI64>) {
    status_of(
        "registries: [{name: '<b>one', provider: gcr, hosts: [gcr.io]}]\n\
         targets: [{name: t, secret: {name: pull}}]\n",
    )
}

fn status_of(text: &str) -> (Status, Arc<AtomicI64>) {
    let config = Config::parse(&format!(
        "apiVersion: refresh.regcred.dev/v1\nkind: RefreshConfiguration\n{text}"
    ));
    let env = Env::map([("REGCRED_CACHE", "off")]);
    let plan = Plan::new(&config.expect("sound"), &regcred_providers::all(), &env).expect("a plan");
    let seconds = Arc::new(AtomicI64::new(1_800_000_000));
    let now = Arc::clone(&seconds);
    let clock = Clock::from_fn(move || {
        DateTime::from_timestamp(now.load(Ordering::SeqCst), 0).expect("a time")
    });
    (Status::new(&plan, clock), seconds)
}

#[test]
fn a_failure_is_an_alarm_when_half_of_what_was_left_is_gone() {
    let (status, seconds) = status();
    let on = |more: i64| seconds.fetch_add(more, Ordering::SeqCst);
    let now = |status: &Status| status.clock.now();
    let fail = |status: &Status| {
        status.not_issued(0, ErrorKind::Denied, "no", Duration::ZERO);
    };
    status.listed();
    status.alive(true, RequestCounts::default());
    assert!(status.ready().is_err(), "the first pass is to come");
    status.first_pass_done();
    assert!(status.ready().is_ok());
    // Without any token at once.
    fail(&status);
    assert!(status.ready().expect_err("no token").contains("no"));
    let life = Life::from(now(&status), Some(now(&status) + TimeDelta::hours(12)));
    status.issued(0, &life, false, Duration::ZERO);
    assert!(status.ready().is_ok());
    on(6 * 3600);
    fail(&status);
    on(2 * 3600);
    fail(&status);
    assert!(status.ready().is_ok() && !status.is_in_danger(0));
    on(2 * 3600);
    assert!(status.ready().is_err() && status.is_in_danger(0));
    status.alive(false, RequestCounts::default());
    assert!(status.ready().is_ok(), "a standby is ready");
}

#[test]
fn nothing_is_ready_before_the_first_list_and_without_the_lease() {
    let (status, _) = status();
    let why = |status: &Status| status.ready().expect_err("not ready");
    assert!(why(&status).contains("namespaces"));
    status.lease(Some("the Lease has not been read yet".to_owned()));
    status.listed();
    assert!(why(&status).contains("Lease"));
    status.lease(None);
    assert!(status.ready().is_ok());
    status.lease(Some("403 Forbidden".to_owned()));
    assert!(why(&status).contains("Forbidden"));
}

#[test]
fn every_series_that_an_alert_needs_is_there_from_the_start() {
    let (status, _) = status();
    let has = |status: &Status, series: &str| {
        let metrics = status.metrics();
        assert!(metrics.contains(series), "{series}: {metrics}");
    };
    let expiry = "target_expiry_timestamp_seconds{target=\"t\"}";
    for series in [
        &format!("{expiry} 0\n"),
        "target_last_success_timestamp_seconds{target=\"t\"} 0\n",
        "token_last_success_timestamp_seconds{source=\"<b>one\"} 0\n",
        "token_refresh_total{source=\"<b>one\",result=\"denied\"} 0\n",
        "secret_writes_total{target=\"t\",action=\"create\"} 0\n",
        "errors_total{target=\"t\",reason=\"forbidden\"} 0\n",
        "errors_total{target=\"t\",reason=\"registry\"} 0\n",
        "api_request_errors_total{reason=\"unreachable\"} 0\n",
    ] {
        has(&status, series);
    }
    // No object: nothing expires. One without a login is not taken for that.
    status.listed();
    has(&status, &format!("{expiry} +Inf\n"));
    let summary = |failing, endless, expires| Summary {
        failing,
        endless,
        expires,
        ..Summary::default()
    };
    let end = Some(status.clock.now());
    for (summary, value) in [
        (summary(1, false, None), "0"),
        (summary(1, true, None), "+Inf"),
        (summary(1, true, end), "1800000000"),
    ] {
        status.summaries(&[("t", summary)].into());
        has(&status, &format!("{expiry} {value}\n"));
    }
}

#[test]
fn a_loop_that_stands_still_is_not_alive() {
    let (status, seconds) = status();
    assert!(status.is_alive());
    seconds.fetch_add(300, Ordering::SeqCst);
    assert!(!status.is_alive());
    status.alive(true, RequestCounts::default());
    assert!(status.is_alive());
}

#[test]
fn names_are_escaped_in_the_page_and_in_metrics() {
    let (status, _) = status();
    assert!(status.page().contains("&lt;b&gt;one") && !status.page().contains("<b>one"));
    let metrics = status.metrics();
    assert!(
        metrics.contains("source=\"<b>one\",result=\"success\"} 0"),
        "{metrics}"
    );
}

/// A leader with two registries, whose first pass is complete.
fn leader() -> (Status, Arc<AtomicI64>) {
    let (status, seconds) = status_of(
        "registries:\n- {name: aws, provider: ecr, account: '123456789012', region: eu-central-1}\n\
         - {name: google, provider: gcr, hosts: [europe-docker.pkg.dev, gcr.io]}\n\
         targets: [{name: everywhere, secret: {name: regcred}}]\n",
    );
    status.listed();
    status.first_pass_done();
    status.alive(true, RequestCounts::default());
    for source in [0, 1] {
        let now = status.clock.now();
        let life = Life::from(now, Some(now + TimeDelta::hours(12)));
        status.issued(source, &life, false, Duration::ZERO);
    }
    (status, seconds)
}

fn summary(status: &Status, good: usize, failing: usize, lacking: &[&str]) {
    let now = status.clock.now();
    let end = Some(now + TimeDelta::hours(5));
    let mut summary = Summary {
        good,
        failing,
        expires: end,
        holds_until: end,
        ..Summary::default()
    };
    for namespace in lacking {
        summary
            .lacking
            .add(Arc::from(*namespace), now - TimeDelta::minutes(12));
    }
    status.summaries(&[("everywhere", summary)].into());
}

#[test]
fn a_page_on_which_all_is_well_begins_with_that() {
    let (status, _) = leader();
    summary(&status, 8, 0, &[]);
    let page = status.page();
    let words =
        "Up to date: 8 of 8 objects; the first login expires in 5 h 0 min, and is renewed before.";
    assert!(page.contains(words) && !page.contains("<ul"), "{page}");
    // Drawn, and renewed by itself.
    assert!(page.contains("<meter max=\"43200\"") && page.contains("http-equiv=\"refresh\""));
}

#[test]
fn what_pods_lack_comes_before_what_failed_and_each_error_appears_once() {
    let (status, seconds) = leader();
    let error = "AccessDenied: <role> may not ecr:GetAuthorizationToken";
    status.not_issued(0, ErrorKind::Denied, error, Duration::ZERO);
    let report = Report {
        action: Action::Failed,
        registry_failed: true,
        reason: Some(error.to_owned()),
        ..Report::new("everywhere", &Arc::from("team-a"), "Secret", "regcred")
    };
    status.report(&report);
    seconds.fetch_add(720, Ordering::SeqCst);
    summary(&status, 5, 3, &["team-b", "team-a", "team-c"]);
    let page = status.page();
    let lacks = "<li>Target everywhere: no login that is known to be valid, for 12 min, in team-a, team-b, \
                 team-c. The other 5 hold until 2027-01-15 13:12 UTC (in 5 h 0 min).";
    let failed = "<li>Registry aws has issued no token for 12 min.";
    let places = [lacks, failed, "<h2>Targets"].map(|words| page.find(words));
    assert!(
        places[0].is_some() && places.is_sorted(),
        "{places:?} {page}"
    );
    assert_eq!(page.matches("AccessDenied").count(), 1, "{page}");
    assert!(
        page.contains("&lt;role&gt; may not ecr:GetAuthorizationToken (for 12 min)"),
        "{page}"
    );
}

#[test]
fn a_registry_whose_every_request_failed_is_not_one_that_needed_none() {
    let (status, _) = status();
    assert!(status.page().contains("none requested yet"));
    status.not_issued(0, ErrorKind::Denied, "no", Duration::ZERO);
    let page = status.page();
    assert!(page.contains("no token: every request failed"), "{page}");
    assert!(!page.contains("none requested yet"), "{page}");
}

#[test]
fn the_pages_of_a_standby_and_of_a_daemon_without_a_namespace_have_the_reason() {
    let (status, _) = leader();
    assert!(
        status
            .page()
            .contains("No namespace is selected, so no Secret is written.")
    );
    status.alive(false, RequestCounts::default());
    let page = status.page();
    assert!(
        page.contains("Another replica works: its page has the state of Secrets."),
        "{page}"
    );
    status.lease(Some("the Lease cannot be read or renewed: 403".to_owned()));
    let page = status.page();
    let words = "<li>Not ready: the Lease cannot be read or renewed: 403.";
    assert!(page.contains(words), "{page}");
}

#[test]
fn the_first_namespaces_that_lack_a_login_are_named_once_each() {
    let (status, _) = leader();
    summary(&status, 0, 3, &["team-a", "team-a", "team-b"]);
    let page = status.page();
    assert!(page.contains("in team-a, team-b.<"), "{page}");
    let names: Vec<String> = (10..30).map(|n| format!("team-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    summary(&status, 0, 20, &names);
    let page = status.page();
    assert!(
        page.contains("team-20, team-21 and other namespaces."),
        "{page}"
    );
    assert!(!page.contains("team-22"), "{page}");
}
