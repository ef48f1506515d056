//! What every credential plugin must do, whatever its cloud: its three faces, its exit codes, and
//! that nothing secret ever reaches stderr. A plugin's own test is one call of [`run`].

mod command;
mod docker;
mod kubelet;
mod proxy;
mod sharing;
mod token;

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regcred_core::ImagePattern;
use serde_json::{Value, json};

use crate::cloud::{Cloud, Trouble};
use crate::{Finished, Program};

/// Runs the whole suite on a program (the path in `CARGO_BIN_EXE_…`) against a fake of its cloud.
///
/// # Panics
/// At the first thing that is not as it must be.
pub fn run(program: &str, cloud: &dyn Cloud) {
    let plugin = Plugin {
        program: program.into(),
        cloud,
    };
    kubelet::check(&plugin);
    docker::check(&plugin);
    token::check(&plugin);
    command::check(&plugin);
    sharing::check(&plugin);
    proxy::check(&plugin);
    // These change the cloud for good.
    for trouble in [Trouble::Garbage, Trouble::Denial] {
        cloud.trouble(trouble);
        kubelet::check_failure(&plugin);
        docker::check_failure(&plugin);
        token::check_failure(&plugin);
    }
}

/// The program under test with its cloud.
struct Plugin<'a> {
    program: PathBuf,
    cloud: &'a dyn Cloud,
}

impl Plugin<'_> {
    fn start(&self) -> Program {
        Program::new(&self.program).envs(self.cloud.env())
    }

    /// Runs it as it is and with all logs on, checks that no secret is on stderr and that the logs
    /// change nothing else, and returns the quiet run.
    #[track_caller]
    fn run(&self, program: Program) -> Finished {
        let loud = program.clone().env("REGCRED_LOG", "trace").run();
        let quiet = program.run();
        assert_eq!(loud.code(), quiet.code(), "{}", loud.stderr);
        assert_eq!(
            loud.stdout().lines().count(),
            quiet.stdout().lines().count()
        );
        for said in [&loud.stderr, &quiet.stderr] {
            self.assert_no_secret(said);
        }
        quiet
    }

    /// No secret of the cloud, and none of those that the suite sends, in any common spelling.
    #[track_caller]
    fn assert_no_secret(&self, text: &str) {
        let mut secrets = self.cloud.secrets();
        secrets.push(CANARY.to_owned());
        for secret in secrets {
            let user = self.cloud.username();
            let encoded = STANDARD.encode(format!("{user}:{secret}"));
            for spelling in [&secret, &STANDARD.encode(&secret), &encoded] {
                assert!(!text.contains(spelling.as_str()), "a secret in: {text}");
            }
        }
    }

    /// Whether the password was issued by the cloud, as it must be.
    #[track_caller]
    fn assert_issued(&self, username: &Value, password: &Value) {
        assert_eq!(username, self.cloud.username());
        let password = password.as_str().unwrap_or_default();
        assert!(
            self.cloud.secrets().iter().any(|s| s == password),
            "not a password that the cloud issued"
        );
    }

    /// The login in an answer under a key that the kubelet finds for the image.
    #[track_caller]
    fn login(&self, answer: &Value) -> Value {
        let auth = answer["auth"].as_object().expect("an object");
        let mut fitting = auth.iter().filter(|(key, _)| {
            ImagePattern::parse(key).is_ok_and(|key| key.matches(self.cloud.image()))
        });
        let (_, login) = fitting.next().expect("a key that fits the image");
        login.clone()
    }

    fn host(&self) -> &str {
        let image = self.cloud.image();
        image.split('/').next().unwrap_or(image)
    }
}

/// A request of the kubelet with members that no version has.
fn request(version: &str, image: &str) -> Value {
    json!({
        "kind": "CredentialProviderRequest",
        "apiVersion": format!("credentialprovider.kubelet.k8s.io/{version}"),
        "image": image,
        "aFieldOfTheFuture": {"deep": [1, 2]},
    })
}

/// A host that belongs to no cloud.
const FOREIGN: &str = "registry.example.com";
/// Stands in every secret that the suite itself sends.
const CANARY: &str = "canary-c4n4ry-7d1f";
