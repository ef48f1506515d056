//! What every credential plugin must do, whatever its cloud: its three faces, its exit codes, and
//! that nothing secret ever reaches stderr. A plugin's own test is one call of [`run`].

mod command;
mod docker;
mod kubelet;
mod proxy;
mod sharing;
mod token;

use std::cell::RefCell;
use std::path::PathBuf;

use regcred_core::ImagePattern;
use serde_json::{Value, json};

use crate::canary::VERBOSE;
use crate::cloud::{Cloud, Trouble};
use crate::{Canary, Finished, Program};

/// Runs the whole suite on a program (the path in `CARGO_BIN_EXE_…`) against a fake of its cloud.
///
/// # Panics
/// At the first thing that is not as it must be.
pub fn run(program: &str, cloud: &dyn Cloud) {
    let plugin = Plugin {
        program: program.into(),
        cloud,
        canary: RefCell::default(),
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
    plugin.canary.into_inner().end(20_000);
}

/// The program under test with its cloud.
struct Plugin<'a> {
    program: PathBuf,
    cloud: &'a dyn Cloud,
    canary: RefCell<Canary>,
}

impl Plugin<'_> {
    fn start(&self) -> Program {
        Program::new(&self.program).envs(self.cloud.env())
    }

    /// Runs it as it is and with all logs on, checks that no secret is on stderr, nor on stdout but at the
    /// protocol's place, and that the logs change nothing else, and returns the quiet run.
    #[track_caller]
    fn run(&self, program: Program) -> Finished {
        let (quiet, loud) = self.run_both(program);
        let mut canary = self.canary.borrow_mut();
        for done in [&loud, &quiet] {
            canary.search_answer("an answer", done);
        }
        quiet
    }

    /// The same for what writes a secret in a form of its own to stdout.
    #[track_caller]
    fn run_printing(&self, program: Program) -> Finished {
        let (quiet, loud) = self.run_both(program);
        let mut canary = self.canary.borrow_mut();
        for done in [&loud, &quiet] {
            canary.search("standard error", "a token", &done.stderr);
        }
        quiet
    }

    #[track_caller]
    fn run_both(&self, program: Program) -> (Finished, Finished) {
        let loud = program.clone().env("REGCRED_LOG", VERBOSE).run();
        let quiet = program.run();
        assert_eq!(loud.code(), quiet.code(), "{}", loud.stderr);
        assert_eq!(
            loud.stdout().lines().count(),
            quiet.stdout().lines().count()
        );
        let sent = [CANARY.to_owned()];
        let secrets = self.cloud.secrets().into_iter().chain(sent);
        self.canary.borrow_mut().look_for(secrets, "the cloud");
        (quiet, loud)
    }

    /// No secret of the cloud, and none of those that the suite sends.
    fn assert_no_secret(&self, text: &str) {
        let mut canary = self.canary.borrow_mut();
        canary.search("messages", "a failure", text);
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
