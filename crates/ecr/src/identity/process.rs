//! `credential_process`: a program of the operator that prints keys (AWS SDK guide, "Process
//! credential provider").
//!
//! Not aws-config's provider: that one neither bounds what the program prints nor ends it when its
//! time is over, and a program that waits for a person would stay behind each pull.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use regcred_core::report;
use regcred_exec::Exec;

use super::json;

/// The program of a profile; `None` where the profile has none.
#[derive(Clone, Debug)]
pub(super) struct Process(Option<String>);

impl Process {
    pub(super) fn new(command: Option<&str>) -> Self {
        Self(command.map(str::to_owned))
    }

    async fn credentials(&self) -> Result<Credentials, CredentialsError> {
        let command = self.0.as_deref();
        let command = command.ok_or_else(CredentialsError::not_loaded_no_source)?;
        // A shell, as every SDK has it: the value is a command line with quotes and variables.
        let run = Exec::new("sh")
            .args(["-c", command])
            .deadline(DEADLINE)
            .max_stdout(MAX_ANSWER)
            .max_stderr(MAX_WORDS)
            .run();
        let output = run.await.map_err(|error| {
            CredentialsError::provider_error(format!("credential_process: {}", report(&error)))
        })?;
        let refused = |reason: &str| {
            CredentialsError::provider_error(format!("credential_process: its answer {reason}"))
        };
        if !is_version_1(&output.stdout) {
            return Err(refused("is no JSON object with Version 1"));
        }
        json::keys(&output.stdout, "process").map_err(refused)
    }
}

impl ProvideCredentials for Process {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}

fn is_version_1(answer: &[u8]) -> bool {
    let object: Option<serde_json::Map<String, serde_json::Value>> =
        serde_json::from_slice(answer).ok();
    object.is_some_and(|object| {
        let is_version = |name: &str| name.eq_ignore_ascii_case("version");
        let version = object.iter().find(|(name, _)| is_version(name));
        version.is_some_and(|(_, value)| *value == 1)
    })
}

/// Less than the profile's time, so that the message is the program's.
const DEADLINE: Duration = Duration::from_secs(25);
/// Keys and a session have a few kilobytes.
const MAX_ANSWER: usize = 64 << 10;
const MAX_WORDS: usize = 4 << 10;
