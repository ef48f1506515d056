//! No face lets a secret onto standard error or into the log, at any level.

use std::io;
use std::sync::{Arc, Mutex};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::fake::{CANARY, TOKEN_CANARY};
use crate::run::testing::Started;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[test]
fn secrets_reach_stdout_and_nothing_else() {
    let root = tempfile::tempdir().unwrap();
    let cache = root.path().join("cache");
    let log = Log::default();
    let everything = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_writer(log.clone())
        .finish();
    let request = format!(
        r#"{{"apiVersion":"credentialprovider.kubelet.k8s.io/v1","kind":"CredentialProviderRequest",
            "image":"fake.io/app","serviceAccountToken":"{TOKEN_CANARY}"}}"#
    );
    let stored = format!(r#"{{"ServerURL":"h","Username":"u","Secret":"{TOKEN_CANARY}"}}"#);
    let broken = format!(r#"{{"kind":"x","serviceAccountToken":"{TOKEN_CANARY}"#);
    let runs = [
        ("fake-credential-provider", "", &*request, true),
        ("fake-credential-provider", "", &broken, false),
        ("fake-credential-provider", "token fake.io", "", true),
        ("fake-credential-provider", "token -o json", "", true),
        ("fake-credential-provider", "cache show", "", false),
        ("docker-credential-fake-login", "get", "fake.io", true),
        ("docker-credential-fake-login", "list", "", false),
        ("docker-credential-fake-login", "store", &stored, false),
    ];
    tracing::subscriber::with_default(everything, || {
        for mode in ["ok", "denied"] {
            for (program, line, stdin, prints) in runs {
                for cache in [cache.to_str().unwrap(), "off"] {
                    let ended = Started::new(program, line)
                        .env(&[("FAKE_MODE", mode), ("REGCRED_CACHE", cache)])
                        .stdin(stdin)
                        .run();
                    let printed = ended.stdout.contains(CANARY);
                    // What is cached is served whatever the cloud would say now.
                    let served = prints && (mode == "ok" || cache != "off");
                    assert_eq!(printed, served, "{program} {line} {mode} {cache}");
                    assert!(!ended.stdout.contains(TOKEN_CANARY), "{line}");
                    for canary in [CANARY, TOKEN_CANARY] {
                        assert!(!ended.stderr.contains(canary), "{}", ended.stderr);
                    }
                }
            }
        }
    });
    let log = String::from_utf8(log.0.lock().unwrap().clone()).expect("text");
    assert!(log.contains("answered"), "the provider logged: {log}");
    for canary in [CANARY, TOKEN_CANARY] {
        assert!(!log.contains(canary), "{log}");
    }
}
