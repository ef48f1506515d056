//! A machine that is not Google's: no metadata server, and names that no server resolves.
//! The plugin reports it without waiting for either, on every face, and how to go on.

use regcred_tests::namespace::{SILENT_LINK, in_namespace, instead_of};
use regcred_tests::program::built;

use super::{Dir, HOST, PLUGIN, request};

#[test]
fn a_machine_without_a_metadata_server_waits_for_none() {
    let dir = Dir::new();
    let resolv_conf = instead_of(
        "/etc/resolv.conf",
        dir.file("resolv.conf", RESOLV_CONF).as_ref(),
    );
    // Packets vanish, also those to the name server, as behind many firewalls.
    let nothing_comes_back = format!(
        "{resolv_conf} && {SILENT_LINK} && ip addr add 192.0.2.2/24 dev void && \
         ip route add default via 192.0.2.1 dev void && for host in 192.0.2.1 192.0.2.53; do \
         ip neigh add $host lladdr 02:00:00:00:00:01 dev void || exit 1; done"
    );
    let input = dir.file("request", &request(&format!("{HOST}/a/b/c")).to_string());
    let server = dir.file("server", HOST);
    let plugin = built(PLUGIN).display().to_string();
    let home = format!("HOME={}", dir.path("home").display());
    let runs = [
        ("A=b", format!("token {HOST}")),
        ("A=b", format!("get-credentials < {input}")),
        ("A=b", format!("docker get < {server}")),
        (
            "GCE_METADATA_HOST=metadata.google.internal",
            format!("token {HOST}"),
        ),
        (
            "GCE_METADATA_HOST=metadata.google.internal.",
            format!("token {HOST}"),
        ),
    ];
    for setup in [nothing_comes_back.as_str(), &resolv_conf] {
        for (variable, face) in &runs {
            let command = format!("exec env {variable} {home} PATH={TOOLS} {plugin} {face}");
            let Some(program) = in_namespace(setup, &command) else {
                return;
            };
            let done = program.run();
            let code = if face.starts_with("docker") { 1 } else { 5 };
            assert_eq!(done.code(), Some(code), "{}", done.stderr);
            let said = done.stderr.trim_end();
            assert_eq!(said.lines().count(), 1, "{said}");
            for part in [
                "metadata server",
                "does not respond",
                "GOOGLE_APPLICATION_CREDENTIALS",
                "log in with gcloud",
            ] {
                assert!(said.contains(part), "{part:?} is not in: {said}");
            }
        }
    }
}

/// A program that waits for this name server waits for minutes, and is ended before that.
const RESOLV_CONF: &str = "nameserver 192.0.2.53\noptions timeout:30 attempts:5\n";
/// Where gcloud may be too: without a login it must not be waited for.
const TOOLS: &str = "/usr/bin:/bin";
