//! A network namespace of one's own, in which Google's names and addresses may be anybody's.

use std::path::Path;
use std::time::Duration;

use regcred_core::Env;
use regcred_tests::Program;
use regcred_tests::need::in_ci;

/// A shell command in a fresh network and mount namespace, after its set-up, with loopback only.
/// `None`, said on standard error, where namespaces are not allowed; in CI that is a failure.
#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
pub(super) fn in_namespace(setup: &str, command: &str) -> Option<Program> {
    let ready = format!("ip link set lo up && {setup}");
    let probe = unshared(&ready).run();
    if probe.code() != Some(0) {
        let why = probe.stderr.trim_end();
        assert!(!in_ci(), "network namespaces are needed here: {why}");
        eprintln!("SKIPPED: no network namespace here: {why}");
        return None;
    }
    Some(unshared(&format!("{ready} && {command}")))
}

/// Puts a file of the test's over one of the machine's.
pub(super) fn instead_of(file: &str, ours: &Path) -> String {
    format!("mount --bind {} {file}", ours.display())
}

fn unshared(command: &str) -> Program {
    let path = Env::process().get("PATH").unwrap_or_default().to_owned();
    Program::new("/usr/bin/env")
        .args(["unshare", "--map-root-user", "--net", "--mount"])
        .args(["sh", "-c", command])
        .env("PATH", format!("{path}:/usr/sbin:/sbin"))
        .limit(Duration::from_secs(100))
}
