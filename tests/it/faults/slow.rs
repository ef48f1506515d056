//! Servers that are silent, or send a byte a second: a provider gives up in the time of its row. The clock
//! passes by itself from the moment when the server is asked, so that nothing waits.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use regcred_core::{Clock, report};
use regcred_tests::server::{Reply, Seen};
use tokio::runtime::Builder;
use tokio::time::Instant;

use super::inside::ask;
use super::rows;
use super::stage::script;
use super::step::Step;
use super::{Target, failures, in_order};

#[test]
fn a_silent_or_slow_server_is_given_up_in_time() {
    let (mut cells, mut failed) = (0, 0);
    for rows in &rows::all() {
        let target = &rows.target;
        cells += 2 * rows.steps.len();
        failed += failures(rows.steps.iter(), |step| {
            check(target, step, SILENCE, Reply::hang());
        });
        failed += failures(rows.steps.iter(), |step| {
            // A byte a second is never silent: what ends it is the time for the whole answer.
            let drip = Reply::typed(200, "application/json", vec![b' '; 4000]);
            check(target, step, "a drip", drip.drip(Duration::from_secs(1)));
        });
    }
    assert_eq!(failed, 0, "of {cells} cells");
    assert!(cells >= 2 * 22, "{cells} cells");
}

fn check(target: &Target, step: &Step, what: &str, reply: Reply) {
    let context = format!("{}, {} and {what}", target.provider, step.name);
    let before = step.before.as_ref().map_or(0, |(_, requests)| *requests);
    let (script, asked) = (script(step, reply), AtomicUsize::new(0));
    let began = Arc::new(OnceLock::new());
    let first = Arc::clone(&began);
    let script = move |seen: &Seen| {
        if asked.fetch_add(1, Ordering::Relaxed) == before {
            tokio::time::pause();
            let _ = first.set(Instant::now());
        }
        script(seen)
    };
    let runtime = Builder::new_current_thread().enable_all().build();
    let (answer, authority, took) = runtime.expect("a runtime").block_on(async {
        let (answer, authority) = ask(target, step, &Clock::system(), script).await;
        let took = began.get().map(Instant::elapsed).expect(&context);
        (answer, authority, took)
    });
    let error = answer.expect_err(&context);
    let line = report(&error);
    let silent = step.silent.filter(|_| what == SILENCE);
    let kind = silent.unwrap_or(step.slow);
    assert_eq!(error.kind(), kind, "{context}: {line}");
    let most = Duration::from_secs(step.longest);
    assert!(took <= most, "{context}: {took:?}: {line}");
    let answers = ANSWERS.map(str::to_owned);
    in_order(step, &authority, &answers, "", &line, &context);
}

const SILENCE: &str = "silence";

/// The words for it.
const ANSWERS: [&str; 6] = [
    "not done within ",
    "nothing was received for ",
    "no response",
    "no token within ",
    "took too long",
    "no answer",
];
