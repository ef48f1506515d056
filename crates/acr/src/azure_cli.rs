//! The login of the Azure CLI, through azure_identity, which runs `az`.

use std::ffi::OsStr;
use std::io;
use std::process::{ExitStatus, Output};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azure_identity::{AzureCliCredential, AzureCliCredentialOptions, Executor};
use regcred_core::ErrorKind;
use regcred_exec::{Exec, ExecError};
use secrecy::SecretString;

use crate::entra_token::{TokenError, TokenRequest};
use crate::{ERRORS, aadsts, sdk};

/// A token for the user that is logged in with the Azure CLI.
pub(crate) async fn token(
    request: &TokenRequest<'_>,
    tenant: Option<&str>,
) -> Result<SecretString, TokenError> {
    let runner = Runner {
        path: request.cloud.env.get("PATH").unwrap_or_default().to_owned(),
    };
    let credential = AzureCliCredential::new(Some(AzureCliCredentialOptions {
        tenant_id: tenant.map(str::to_owned),
        executor: Some(Arc::new(runner)),
        ..AzureCliCredentialOptions::default()
    }));
    let credential =
        credential.map_err(|_| ERRORS.misconfigured("the tenant id is not an identifier"))?;
    let asked = ERRORS.token_call("the Azure CLI's login", "az");
    let token = sdk::token(&*credential, request.audience).await;
    token.map_err(|cause: Option<ExecError>| match cause {
        Some(error) => {
            let number = aadsts::number(&error.to_string());
            let failed = asked.error(ErrorKind::IdentityUnavailable);
            let step = "if its login has expired, run az login".to_owned();
            TokenError {
                error: failed.with_source(error).with_next_step(step),
                is_unknown_audience: number.is_some_and(aadsts::is_unknown_audience),
            }
        }
        None => asked
            .answered(ErrorKind::Malformed, "it printed no token with an expiry")
            .with_next_step("az must be version 2.54 or newer".to_owned())
            .into(),
    })
}

/// Runs the shell command in which the library calls `az`.
#[derive(Debug)]
struct Runner {
    path: String,
}

#[async_trait]
impl Executor for Runner {
    async fn run(&self, program: &OsStr, args: &[&OsStr]) -> io::Result<Output> {
        let exec = Exec::new(program)
            .args(args.iter().copied())
            .env("PATH", &self.path)
            .deadline(DEADLINE)
            .max_stdout(LONGEST_OUTPUT)
            .max_stderr(LONGEST_COMPLAINT);
        let output = exec.run().await.map_err(io::Error::other)?;
        Ok(Output {
            status: ExitStatus::default(),
            stdout: output.stdout.to_vec(),
            stderr: Vec::new(),
        })
    }
}

/// The Azure CLI takes seconds to start.
const DEADLINE: Duration = Duration::from_secs(25);
const LONGEST_OUTPUT: usize = 256 * 1024;
const LONGEST_COMPLAINT: usize = 600;
