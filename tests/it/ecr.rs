//! The ECR plugin as a program, against fakes of AWS's services that refuse wrong requests.

mod cache;
mod helper;
mod hosts;
mod identity;
mod peer;
mod second_client;
mod stampede;
mod trouble;

use std::path::{Path, PathBuf};

use regcred_tests::sigv4::AccessKey;
use regcred_tests::{FakeEcr, Finished, Program};
use regcred_tests::{plugin_request as request, plugin_request_with as request_of_pod};
use serde_json::{Value, json};

/// A user with a key pair, and the ECR API that knows it.
struct Account {
    ecr: FakeEcr,
}

impl Account {
    fn new() -> Self {
        Self {
            ecr: FakeEcr::start(ACCOUNT, &[key()]),
        }
    }

    /// The plugin with that key pair, without a cache.
    fn plugin(&self) -> Program {
        with_keys(Program::ours(PLUGIN)).envs(self.ecr.env())
    }

    /// How often the API was asked for a token.
    fn calls(&self) -> usize {
        self.ecr.server().count("/")
    }
}

/// A directory for the cache, which does not exist yet.
struct CachePlace(tempfile::TempDir);

impl CachePlace {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("cache")
    }

    /// Its files with that ending.
    fn files(&self, ending: &str) -> Vec<PathBuf> {
        let entries = self.path().read_dir().into_iter().flatten();
        let paths = entries.map(|entry| entry.expect("an entry").path());
        paths
            .filter(|path| path.to_string_lossy().ends_with(ending))
            .collect()
    }

    /// Its entries. Each must be whole, however many processes were killed.
    #[track_caller]
    fn entries(&self) -> Vec<Value> {
        let files = self.files(".json");
        let read = |path: &PathBuf| {
            let text = std::fs::read_to_string(path).expect("an entry");
            serde_json::from_str(&text).unwrap_or_else(|e| panic!("half an entry: {e}"))
        };
        files.iter().map(read).collect()
    }

    /// Makes every entry so old that it is to be renewed, though it is good for hours.
    fn age(&self) {
        for path in self.files(".json") {
            let text = std::fs::read_to_string(&path).expect("an entry");
            let mut entry: Value = serde_json::from_str(&text).expect("a whole entry");
            let time = |hours: i64| {
                let now = regcred_core::Clock::system().now();
                let at = now + chrono::TimeDelta::hours(hours);
                json!(at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
            };
            entry["issued_at"] = time(-7);
            entry["expires_at"] = time(5);
            // In place: the file keeps its mode.
            std::fs::write(&path, entry.to_string()).expect("our own file");
        }
    }
}

/// The long-lived key pair of [`key`] as variables.
fn with_keys(program: Program) -> Program {
    let key = key();
    program
        .env("AWS_ACCESS_KEY_ID", key.id)
        .env("AWS_SECRET_ACCESS_KEY", key.secret)
        .env("AWS_EC2_METADATA_DISABLED", "true")
}

fn key() -> AccessKey {
    AccessKey {
        id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
        session: None,
    }
}

/// The one password of an answer for [`HOST`].
#[track_caller]
fn password(done: &Finished) -> String {
    let answer = done.json();
    let login = &answer["auth"][HOST];
    assert_eq!(login["username"], "AWS", "{answer}");
    login["password"].as_str().unwrap_or_default().to_owned()
}

fn write(directory: &Path, name: &str, text: &str) -> String {
    let path = directory.join(name);
    std::fs::write(&path, text).expect("a file");
    path.to_str().expect("a plain path").to_owned()
}

const PLUGIN: &str = "ecr-credential-provider";
const ACCOUNT: &str = "123456789012";
const HOST: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";
