//! A subject token that a program prints. It runs only when the operator says so by
//! `GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1`: the file alone must not start programs.

use std::path::PathBuf;
use std::time::Duration;

use regcred_core::{ErrorKind, ProviderError};
use regcred_exec::Exec;
use regcred_files::{MIB, read_secret};
use regcred_http::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::failure::{failure, misconfigured};
use crate::reach::Reach;
use crate::token::{no_secret, secret};
use crate::vars;

/// The `executable` part of a `credential_source`.
#[derive(Deserialize)]
pub(super) struct Wanted {
    command: String,
    #[serde(default)]
    timeout_millis: Option<u64>,
    #[serde(default)]
    output_file: Option<PathBuf>,
}

/// A checked program call.
pub(super) struct Executable {
    program: String,
    args: Vec<String>,
    deadline: Duration,
    output_file: Option<PathBuf>,
    token_type: String,
    impersonated: Option<String>,
}

impl Executable {
    /// # Errors
    /// When there is no command or its time is out of bounds.
    pub(super) fn new(
        wanted: Wanted,
        token_type: &str,
        impersonation_url: Option<&str>,
    ) -> Result<Self, String> {
        // Cut at blanks, as Google's libraries do; there is no shell and no quoting.
        let mut words = wanted.command.split_whitespace().map(str::to_owned);
        let Some(program) = words.next() else {
            return Err("its credential_source.executable.command is empty".to_owned());
        };
        let millis = wanted.timeout_millis.unwrap_or(30_000);
        if !(5_000..=120_000).contains(&millis) {
            return Err(
                "its credential_source.executable.timeout_millis is not between 5000 and 120000"
                    .to_owned(),
            );
        }
        Ok(Self {
            program,
            args: words.collect(),
            deadline: Duration::from_millis(millis).min(LONGEST),
            output_file: wanted.output_file,
            token_type: token_type.to_owned(),
            impersonated: impersonation_url.and_then(email_in),
        })
    }

    pub(super) async fn token(
        &self,
        reach: &Reach,
        audience: &str,
    ) -> Result<SecretString, ProviderError> {
        if reach.env.get(vars::ALLOW_EXECUTABLES) != Some("1") {
            return Err(misconfigured(format!(
                "the credentials file wants to run {}: set {}=1 if it may",
                self.program,
                vars::ALLOW_EXECUTABLES
            )));
        }
        if let Some(token) = self.saved(reach) {
            return Ok(token);
        }
        let mut exec = Exec::new(&self.program)
            .args(self.args.iter().map(String::as_str))
            .env("GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE", audience)
            .env("GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE", &self.token_type)
            .env("GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE", "0")
            .deadline(self.deadline)
            .max_stdout(LONGEST_OUTPUT);
        if let Some(email) = &self.impersonated {
            exec = exec.env("GOOGLE_EXTERNAL_ACCOUNT_IMPERSONATED_EMAIL", email);
        }
        if let Some(file) = &self.output_file {
            exec = exec.env("GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE", file);
        }
        let output = exec.run().await.map_err(|e| {
            failure(
                ErrorKind::IdentityUnavailable,
                "the credentials file's program gave no subject token",
            )
            .with_source(e)
        })?;
        let answer: Answer = serde_json::from_slice(&output.stdout).map_err(|_| {
            failure(
                ErrorKind::Malformed,
                format!("{} printed no answer in the agreed JSON form", self.program),
            )
        })?;
        self.accept(answer, reach)
            .map_err(|Refusal { kind, reason }| {
                failure(kind, format!("{}: {reason}", self.program))
            })
    }

    /// A token that an earlier run left in the output file and that is still good.
    fn saved(&self, reach: &Reach) -> Option<SecretString> {
        let file = self.output_file.as_deref()?;
        let text = read_secret(file, MIB).ok()?;
        let answer = serde_json::from_str::<Answer>(text.expose_secret()).ok()?;
        match self.accept(answer, reach) {
            Ok(token) => Some(token),
            Err(Refusal { reason, .. }) => {
                tracing::debug!(file = %file.display(), reason, "the saved answer is of no use");
                None
            }
        }
    }

    fn accept(&self, answer: Answer, reach: &Reach) -> Result<SecretString, Refusal> {
        let malformed = |reason: &str| {
            Err(Refusal {
                kind: ErrorKind::Malformed,
                reason: reason.to_owned(),
            })
        };
        if answer.version != Some(1) {
            return malformed("its answer is not of version 1");
        }
        match answer.success {
            None => return malformed("its answer does not say whether it succeeded"),
            Some(false) => {
                let message: String = answer.message.chars().take(200).collect();
                let code: String = answer.code.chars().take(60).collect();
                return Err(Refusal {
                    kind: ErrorKind::Denied,
                    reason: format!("it says {code}: {message}"),
                });
            }
            Some(true) => {}
        }
        match answer.expiration_time {
            None if self.output_file.is_some() => {
                return malformed("its answer lacks expiration_time");
            }
            Some(end) if end <= reach.now().timestamp() => {
                return malformed("its token has ended already");
            }
            _ => {}
        }
        let token = match answer.token_type.as_str() {
            OIDC_ID | OIDC_JWT => answer.id_token,
            SAML => answer.saml_response,
            _ => return malformed("its answer has an unknown token_type"),
        };
        if token.expose_secret().is_empty() {
            return malformed("its answer has no token");
        }
        Ok(token)
    }
}

/// Why an answer does not count.
struct Refusal {
    kind: ErrorKind,
    reason: String,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    version: Option<i64>,
    #[serde(default)]
    success: Option<bool>,
    #[serde(default)]
    token_type: String,
    #[serde(default = "no_secret", deserialize_with = "secret")]
    id_token: SecretString,
    #[serde(default = "no_secret", deserialize_with = "secret")]
    saml_response: SecretString,
    #[serde(default)]
    expiration_time: Option<i64>,
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// The email in an impersonation URL.
fn email_in(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let last = url.path_segments()?.next_back()?;
    last.strip_suffix(":generateAccessToken").map(str::to_owned)
}

const OIDC_ID: &str = "urn:ietf:params:oauth:token-type:id_token";
const OIDC_JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const SAML: &str = "urn:ietf:params:oauth:token-type:saml2";
/// Leaves time for the exchange within the provider's deadline.
const LONGEST: Duration = Duration::from_secs(30);
const LONGEST_OUTPUT: usize = 256 * 1024;
