//! No face lets a secret onto standard error or into the log, at any level.

use regcred_run::testing::Log;

use crate::fake::{CANARY, TOKEN_CANARY};
use crate::run::testing::Started;

/// A host of this test alone: other threads log too.
const HOST: &str = "canary.io";

#[test]
fn secrets_reach_stdout_and_nothing_else() {
    let root = tempfile::tempdir().unwrap();
    let cache = root.path().join("cache");
    let log = Log::of_process();
    let request = format!(
        r#"{{"apiVersion":"credentialprovider.kubelet.k8s.io/v1","kind":"CredentialProviderRequest",
            "image":"{HOST}/app","serviceAccountToken":"{TOKEN_CANARY}"}}"#
    );
    let stored = format!(r#"{{"ServerURL":"h","Username":"u","Secret":"{TOKEN_CANARY}"}}"#);
    let broken = format!(r#"{{"kind":"x","serviceAccountToken":"{TOKEN_CANARY}"#);
    let runs = [
        ("fake-credential-provider", "", &*request, true),
        ("fake-credential-provider", "", &broken, false),
        ("fake-credential-provider", "token canary.io", "", true),
        (
            "fake-credential-provider",
            "token canary.io -o json",
            "",
            true,
        ),
        ("fake-credential-provider", "cache show", "", false),
        ("docker-credential-fake-login", "get", HOST, true),
        ("docker-credential-fake-login", "list", "", false),
        ("docker-credential-fake-login", "store", &stored, false),
    ];
    for mode in ["ok", "denied"] {
        for (program, line, stdin, prints) in runs {
            for cache in [cache.to_str().unwrap(), "off"] {
                let ended = Started::new(program, line)
                    .env(&[
                        ("FAKE_MODE", mode),
                        ("FAKE_ALSO_SERVE", HOST),
                        ("REGCRED_CACHE", cache),
                    ])
                    .stdin(stdin)
                    .run();
                let printed = ended.stdout.contains(CANARY);
                // A cached answer is served whatever the cloud would answer now.
                let served = prints && (mode == "ok" || cache != "off");
                assert_eq!(printed, served, "{program} {line} {mode} {cache}");
                assert!(!ended.stdout.contains(TOKEN_CANARY), "{line}");
                for canary in [CANARY, TOKEN_CANARY] {
                    assert!(!ended.stderr.contains(canary), "{}", ended.stderr);
                }
            }
        }
    }
    let log = log.text();
    for event in ["asked", "answered"] {
        let mut lines = log.lines();
        let line = lines.find(|line| line.contains(event) && line.contains(HOST));
        assert!(line.is_some(), "the provider's {event} is logged: {log}");
    }
    for canary in [CANARY, TOKEN_CANARY] {
        assert!(!log.contains(canary), "{log}");
    }
}
