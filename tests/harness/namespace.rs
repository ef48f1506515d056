//! A network namespace of a test's own, in which public names and addresses may be the test's.

use std::path::Path;
use std::time::Duration;

use regcred_core::Env;

use crate::Program;
use crate::need::in_ci;

/// A shell command in a fresh network and mount namespace with loopback, after the shell commands
/// in `setup`. `None` where namespaces are not allowed: standard error then says so.
///
/// # Panics
/// In CI, where namespaces are not allowed.
#[must_use]
pub fn in_namespace(setup: &str, command: &str) -> Option<Program> {
    let ready = format!("ip link set lo up && {setup}");
    prepared(&["--net", "--mount"], &ready, command)
}

/// A shell command in a mount namespace of its own, after the shell commands in `setup`. `None` where
/// namespaces are not allowed.
///
/// # Panics
/// In CI, where namespaces are not allowed.
#[must_use]
pub fn with_mounts(setup: &str, command: &str) -> Option<Program> {
    prepared(&["--mount"], "true", &format!("{setup} && {command}"))
}

#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
fn prepared(kinds: &[&str], ready: &str, command: &str) -> Option<Program> {
    let probe = unshared(kinds, ready).run();
    if probe.code() != Some(0) {
        let why = probe.stderr.trim_end();
        assert!(!in_ci(), "namespaces are needed here: {why}");
        eprintln!("SKIPPED: no namespace here: {why}");
        return None;
    }
    Some(unshared(kinds, &format!("{ready} && {command}")))
}

/// Runs one ignored test of the calling test program, by its full name, in such a namespace.
///
/// # Panics
/// When that test fails or is not found.
pub fn run_inside(setup: &str, test: &str) {
    let this = std::env::current_exe().expect("a path of our own");
    let command = format!(
        "exec {} --exact {test} --ignored --nocapture 2>&1",
        this.display()
    );
    if let Some(program) = in_namespace(setup, &command) {
        let said = program.run().stdout();
        assert!(said.contains("1 passed"), "{test}: {said}");
    }
}

/// Set-up that puts a file of the test's over one of the machine's.
#[must_use]
pub fn instead_of(file: &str, ours: &Path) -> String {
    format!("mount --bind {} {file}", ours.display())
}

/// Set-up after which packets to the metadata servers' address, 169.254.169.254, vanish, as behind
/// many firewalls.
pub const SILENT_LINK: &str = "ip link add void type veth peer name end && ip link set void up && \
     ip link set end up && ip route add 169.254.0.0/16 dev void && \
     ip neigh add 169.254.169.254 lladdr 02:00:00:00:00:01 dev void";

fn unshared(kinds: &[&str], command: &str) -> Program {
    let path = Env::process().get("PATH").unwrap_or_default().to_owned();
    Program::new("/usr/bin/env")
        .args(["unshare", "--map-root-user"])
        .args(kinds)
        .args(["sh", "-c", command])
        .env("PATH", format!("{path}:/usr/sbin:/sbin"))
        .limit(Duration::from_secs(100))
}
