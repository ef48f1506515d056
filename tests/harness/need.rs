//! Programs of other people that a test needs.

use std::path::PathBuf;

use regcred_core::Env;

/// The program's path, looked up on `PATH`.
///
/// A missing program is a failure in CI, where `CI` is `true`; elsewhere it is said on stderr and
/// `None` comes back, on which the test returns.
///
/// # Panics
/// In CI, when the program is missing.
#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
#[must_use]
pub fn need(program: &str) -> Option<PathBuf> {
    let found = find(program);
    if found.is_none() {
        let why = format!("{program} is not installed; `make test` installs it");
        assert!(!in_ci(), "{why}");
        eprintln!("SKIPPED: {why}");
    }
    found
}

/// The program's path on `PATH`, or in the Python environment of the workspace; nothing else.
#[must_use]
pub fn find(program: &str) -> Option<PathBuf> {
    let path = Env::process().get("PATH").unwrap_or_default().to_owned();
    std::env::split_paths(&path)
        .chain([workspace().join(".venv/bin")])
        .map(|directory| directory.join(program))
        .find(|candidate| candidate.is_file())
}

/// Whether this runs in CI, where nothing may be skipped.
#[must_use]
pub fn in_ci() -> bool {
    Env::process().is_true("CI")
}

/// The root of the workspace that the tests were compiled in.
#[must_use]
pub fn workspace() -> PathBuf {
    let tests = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    tests.parent().map(PathBuf::from).unwrap_or(tests)
}
