//! Results on standard output, notes on standard error.

use std::io::{self, Write};

use serde::Serialize;

/// One line of text on standard output.
///
/// # Errors
/// When its reader is gone.
pub(crate) fn line(text: &str) -> io::Result<()> {
    whole(&format!("{text}\n"))
}

/// Text on standard output as it is.
///
/// # Errors
/// When its reader is gone.
pub(crate) fn whole(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// One JSON object on a line of standard output.
///
/// # Errors
/// When its reader is gone.
pub(crate) fn json_line(value: &impl Serialize) -> io::Result<()> {
    line(&serde_json::to_string(value)?)
}

/// One line on standard error. Nobody reading it is no failure.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
