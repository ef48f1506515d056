//! This machine's clock is a day ahead, or a day behind: a provider issues a login that is kept for no longer
//! than the cloud's own clock allows, or its error names the clock.

use chrono::TimeDelta;
use regcred_cache::{CacheDir, Cached};
use regcred_core::{Clock, CredentialRequest, Env, Provider as _, report};
use regcred_tests::{Program, need, plugin_request};
use tokio::runtime::Builder;

use super::failures;
use super::inside::plain_ask;
use super::rows::{self, Rows, Target};

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// A login.
    Issued,
    /// An error with these words.
    Fails(&'static str),
}
use Outcome::{Fails, Issued};

/// A provider's rows, and what becomes of a request a day ahead and a day behind.
fn table() -> [(Rows, Outcome, Outcome); 6] {
    [
        (rows::ecr(), Issued, Issued),
        (rows::gcr(), Issued, Issued),
        (rows::acr(), Fails(CLOCK), Issued),
        (rows::ocir(), Fails(CLOCK), Fails(CLOCK)),
        (rows::icr(), Fails(CLOCK), Issued),
        // It is the expiry of a file, which is named.
        (
            rows::generic(),
            Fails("is not sent: it has expired at "),
            Issued,
        ),
    ]
}

#[test]
fn a_clock_that_jumped_a_day_is_named_or_does_not_matter() {
    check(ask);
}

/// The libraries of the clouds, which have the machine's clock, included.
#[test]
fn a_plugin_on_a_machine_whose_clock_jumped_a_day_names_it_or_it_does_not_matter() {
    let Some(faketime) = need("faketime") else {
        return;
    };
    check(|target, days| {
        let home = tempfile::tempdir().expect("a directory");
        let done = Program::ours(&format!("{}-credential-provider", target.provider))
            .under(
                &faketime,
                ["--exclude-monotonic", "-f", &format!("{days:+}d")],
            )
            .env("HOME", home.path())
            .envs(target.env.clone())
            .env("REGCRED_CACHE", "off")
            .stdin(plugin_request(&target.image))
            .run();
        match done.code() {
            Some(0) => Ok(()),
            _ => Err(done.stderr.trim_end().to_owned()),
        }
    });
}

fn check(ask: impl Fn(&Target, i64) -> Result<(), String> + Sync) {
    let mut failed = 0;
    for (rows, ahead, behind) in &table() {
        let (target, cells) = (&rows.target, [(1, *ahead), (-1, *behind)]);
        failed += failures(cells.into_iter(), |(days, expected)| {
            let found = ask(target, days);
            let is_right = match (&found, expected) {
                (Ok(()), Issued) => true,
                (Err(line), Fails(words)) => line.contains(words),
                _ => false,
            };
            let context = format!("{}, {days} days ahead", target.provider);
            assert!(is_right, "{context}: {found:?} and not {expected:?}");
        });
    }
    assert_eq!(failed, 0);
}

fn clock(days: i64) -> Clock {
    Clock::from_fn(move || Clock::system().now() + TimeDelta::days(days))
}

fn ask(target: &Target, days: i64) -> Result<(), String> {
    let env = Env::map(target.env.clone());
    let runtime = Builder::new_current_thread().enable_all().build();
    let issued = runtime
        .expect("a runtime")
        .block_on(plain_ask(target, &env, &clock(days)))
        .map_err(|error| report(&error))?;
    let longest = Clock::system().now() + TimeDelta::days(days) + TimeDelta::days(7);
    assert!(issued.expires_at.is_none_or(|end| end <= longest));
    Ok(())
}

#[test]
fn an_entry_of_another_day_is_not_served_as_fresh() {
    for rows in [
        rows::ecr(),
        rows::gcr(),
        rows::acr(),
        rows::icr(),
        rows::generic(),
    ] {
        let target = &rows.target;
        let directory = tempfile::tempdir().expect("a directory");
        let cache = CacheDir::open(&directory.path().join("cache")).expect("a cache");
        let env = Env::map(target.env.clone());
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let ask = |days: i64| {
            let spec = regcred_providers::by_name(target.provider).expect("a provider");
            let request = CredentialRequest::new(&target.image).expect("an image");
            let provider = (spec.new)(&env, &clock(days)).expect("a provider");
            let cached = Cached::new(provider, Some(cache.clone()), clock(days));
            let issued = runtime.block_on(async { cached.plan(&request)?.fetch().await });
            issued.map(|_| ()).map_err(|error| report(&error))
        };
        assert_eq!(ask(0), Ok(()), "{}", target.provider);
        let calls = rows.calls();
        assert_eq!(ask(0), Ok(()), "{}", target.provider);
        assert_eq!(rows.calls(), calls, "{}: it is cached", target.provider);
        for days in [1, -1] {
            let before = rows.calls();
            let issued = ask(days);
            let is_asked = rows.calls() > before || issued.is_err();
            assert!(is_asked, "{}: {days} days ahead", target.provider);
        }
    }
}

/// What the errors of a wrong clock name.
const CLOCK: &str = "this machine's clock";
