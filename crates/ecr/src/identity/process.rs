//! `credential_process`: a program of the operator that prints keys (AWS SDK guide, "Process
//! credential provider").
//!
//! Not aws-config's provider: that one neither bounds what the program prints nor ends it at its
//! deadline, and a program that waits for a person would outlive each pull.

use std::time::Duration;

use aws_credential_types::Credentials;
use regcred_core::ErrorKind;
use regcred_exec::{Exec, ExecError};

use super::key_document::keys;
use super::no_credentials::NoCredentials;

/// The program's command line.
#[derive(Clone, Debug)]
pub(super) struct Process(pub(super) String);

impl Process {
    pub(super) async fn credentials(&self) -> Result<Credentials, NoCredentials> {
        // A shell, as in every SDK: the value is a command line with quotes and variables.
        let run = Exec::new("sh")
            .args(["-c", &self.0])
            .deadline(DEADLINE)
            .max_stdout(LARGEST)
            .max_stderr(LONGEST_MESSAGE)
            .run();
        let output = run.await.map_err(|error| {
            let kind = match error {
                ExecError::TimedOut { .. } => ErrorKind::Unreachable,
                _ => ErrorKind::IdentityUnavailable,
            };
            NoCredentials::failed(NAME, kind, error)
        })?;
        keys(&output.stdout, Some(1), "process").map_err(|reason| {
            let text = format!("its output {reason}");
            NoCredentials::failed(NAME, ErrorKind::IdentityUnavailable, text)
        })
    }
}

const NAME: &str = "credential_process";
/// Less than the profile's time, so that the message is the program's.
const DEADLINE: Duration = Duration::from_secs(25);
/// Keys and a session have a few kilobytes.
const LARGEST: usize = 64 << 10;
const LONGEST_MESSAGE: usize = 4 << 10;
