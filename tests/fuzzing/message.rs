//! What a person may be shown.

use std::error::Error;

use regcred_core::{is_shown, report};

/// A report of the error: one line without anything that a terminal obeys.
pub(crate) fn shown(error: &(dyn Error + 'static)) -> String {
    let text = report(error);
    assert_shown(&text);
    text
}

/// Asserts that a line has nothing that a terminal obeys.
#[track_caller]
pub(crate) fn assert_shown(line: &str) {
    assert!(line.chars().all(is_shown), "{line:?}");
}

/// Asserts that an error's report does not have the secret.
#[track_caller]
pub(crate) fn assert_hides(error: &(dyn Error + 'static), secret: &str) {
    let text = shown(error);
    assert!(!text.contains(secret), "{text}");
}
