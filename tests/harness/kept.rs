//! How long a kubelet may keep an answer, checked to the second however slowly the machine runs.

use std::time::Duration;

use regcred_api::GoDuration;
use serde_json::Value;

use crate::Finished;

/// Checks an answer's `cacheDuration`: `expected`, a duration as Go writes it, counts from some
/// moment of the program's run, so what has passed of the run since may be missing.
///
/// # Panics
/// When it is more, or less by more than the whole run and the second that rounding takes.
#[track_caller]
pub fn assert_kept(done: &Finished, expected: &str) {
    let answer = done.json();
    let said: GoDuration = match &answer["cacheDuration"] {
        Value::String(text) => text.parse().expect("a Go duration"),
        other => panic!("no duration: {other}"),
    };
    let expected: GoDuration = expected.parse().expect("a Go duration");
    let passed = done.elapsed + Duration::from_secs(1);
    let passed = i64::try_from(passed.as_nanos()).expect("a short run");
    let missing = expected.0 - said.0;
    // What would have ended in the meantime is not kept at all.
    let least = (expected.0 - passed).max(0);
    assert!(
        missing >= 0 && said.0 >= least,
        "{said} and not {expected}, after {:?}",
        done.elapsed
    );
}
