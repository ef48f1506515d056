//! What goes wrong at AWS, as a kubelet sees it: the answer or the code, the words, the number of
//! calls.

use chrono::TimeDelta;
use regcred_api::GoDuration;
use regcred_tests::ecr::Failure;
use regcred_tests::{FakeEc2Metadata, FakeEcr, Program, assert_kept};
use serde_json::json;

use super::{ACCOUNT, Account, CachePlace, HOST, PLUGIN, password, request};

#[test]
fn a_failure_that_passes_is_not_noticed() {
    for failure in [
        Failure::Throttle,
        Failure::TooManyRequests,
        Failure::ServerError,
        Failure::Close,
    ] {
        let account = Account::new();
        account.ecr.fail(failure, 3);
        let done = account.plugin().stdin(request(HOST)).run();
        assert!(account.ecr.logins().accepts("AWS", &password(&done)));
        assert_eq!(
            (account.calls(), done.stderr.as_str()),
            (4, ""),
            "{failure:?}"
        );
    }
}

#[test]
fn a_failure_that_lasts_has_its_code_and_its_words() {
    for (failure, code, calls, words) in [
        // The same for HTTP 400 with the code and for HTTP 429.
        (
            Failure::Throttle,
            7,
            4,
            "throttles this account: ThrottlingException",
        ),
        (
            Failure::TooManyRequests,
            7,
            4,
            "throttles this account: HTTP 429",
        ),
        (
            Failure::ServerError,
            7,
            4,
            "ServerException: internal error",
        ),
        (Failure::Close, 7, 4, "did not issue one: "),
        (Failure::Denied, 6, 1, "AccessDeniedException"),
        (Failure::ExpiredSession, 6, 2, "renew the session"),
        (Failure::Garbage, 8, 1, "the response cannot be read"),
    ] {
        let account = Account::new();
        account.ecr.fail(failure, usize::MAX);
        let done = account.plugin().stdin(request(HOST)).run();
        let said = done.fails(code);
        assert!(said.contains(words), "{failure:?}: {said}");
        assert!(said.contains(&account.ecr.server().url()), "where? {said}");
        assert_eq!(account.calls(), calls, "{failure:?}");
    }
}

#[test]
fn a_clock_that_is_wrong_by_hours_is_corrected() {
    for ahead in [-5, 5] {
        let account = Account::new();
        account.ecr.set_clock(TimeDelta::hours(ahead));
        let done = account.plugin().stdin(request(HOST)).run();
        let _ = password(&done);
        assert_eq!(account.calls(), 2, "one refused, one with the right time");
        // Twelve hours by the cloud's clock; by ours never more than half of twelve.
        let kept = done.json()["cacheDuration"].take();
        let kept: GoDuration = serde_json::from_value(kept).expect("a Go duration");
        let minutes = kept.0 / 60_000_000_000;
        let expected = if ahead > 0 { 360 } else { 210 };
        assert!(
            (expected - 2..=expected).contains(&minutes),
            "{ahead}: {minutes}"
        );
    }
}

#[test]
fn a_token_that_is_expired_or_about_to_be_is_kept_by_nobody() {
    for (minutes, kept) in [(-60, "0s"), (0, "0s"), (4, "0s")] {
        let account = Account::new();
        account.ecr.set_life(TimeDelta::minutes(minutes));
        let cache = CachePlace::new();
        let plugin = account.plugin().env("REGCRED_CACHE", cache.path());
        let done = plugin.stdin(request(HOST)).run();
        assert_eq!(done.json()["cacheDuration"], kept, "{minutes}");
        let entries = usize::from(minutes > 0);
        assert_eq!(cache.entries().len(), entries, "{minutes}");
    }
}

#[test]
fn a_session_that_ended_is_renewed_once() {
    let metadata = FakeEc2Metadata::start("us-east-1");
    let ecr = FakeEcr::start(ACCOUNT, &[metadata.access_key().clone()]);
    ecr.fail(Failure::ExpiredSession, 1);
    let plugin = Program::ours(PLUGIN).envs(metadata.env()).envs(ecr.env());
    let done = plugin.stdin(request(HOST)).run();
    assert!(ecr.logins().accepts("AWS", &password(&done)));
    assert_eq!(metadata.credentials_requests(), 2);
}

#[test]
fn the_public_registry_without_rights_is_no_credentials_for_minutes() {
    let account = Account::new();
    account.ecr.fail(Failure::Denied, usize::MAX);
    let cache = CachePlace::new();
    let ask = |plugin: Program| {
        let plugin = plugin.env("REGCRED_CACHE", cache.path());
        plugin
            .stdin(request("public.ecr.aws/docker/library/nginx:1"))
            .run()
    };
    let done = ask(account.plugin());
    let answer = done.json();
    assert_eq!(answer["auth"], json!({}));
    assert_kept(&done, "5m0s");
    for part in ["AccessDeniedException", "allow ecr-public:"] {
        assert!(done.stderr.contains(part), "{}", done.stderr);
    }
    // The node's other pods do not ask for the same refusal.
    assert_eq!(ask(account.plugin()).json()["auth"], json!({}));
    assert_eq!(account.calls(), 1);
    // Nor does a machine without any identity fail.
    let nobody = Program::ours(PLUGIN).env("AWS_EC2_METADATA_DISABLED", "true");
    let done = ask(nobody);
    assert_eq!(done.json()["auth"], json!({}));
    assert!(
        done.stderr.contains("AWS_ACCESS_KEY_ID is not set"),
        "{}",
        done.stderr
    );
    // But one whose API is down does.
    account.ecr.fail(Failure::ServerError, usize::MAX);
    let down = account.plugin().stdin(request("public.ecr.aws/a/b")).run();
    let _ = down.fails(7);
}
