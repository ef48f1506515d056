//! The clouds' own clients for Python, from the workspace's virtual environment.

use std::path::PathBuf;

use crate::Program;
use crate::need::{in_ci, workspace};

/// The environment's interpreter, if it has that module.
///
/// Without it the test fails in CI; elsewhere it is said on stderr and `None` comes back, on which
/// the test returns.
///
/// # Panics
/// In CI, when the module is missing.
#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
#[must_use]
pub fn python_with(module: &str) -> Option<PathBuf> {
    let python = workspace().join(".venv/bin/python3");
    let import = format!("import {module}");
    if python.is_file() && Program::new(&python).args(["-c", &import]).run().code() == Some(0) {
        return Some(python);
    }
    let why = format!("{module} is not in .venv; `make test` installs it");
    assert!(!in_ci(), "{why}");
    eprintln!("SKIPPED: {why}");
    None
}
