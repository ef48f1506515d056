//! A subject token that a program prints. It runs only when the operator allows it with
//! `GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1`: the file alone must not start programs.

use std::path::PathBuf;
use std::time::Duration;

use regcred_cloud::secret;
use regcred_core::{ErrorKind, ProviderError, SecretText as _, plain};
use regcred_exec::Exec;
use regcred_files::{MIB, read_secret};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::settings::Cloud;
use crate::{ERRORS, vars};

/// The `executable` part of a `credential_source`.
#[derive(Deserialize)]
pub(super) struct Wanted {
    /// Split at blanks, as Google's libraries do; there is no shell and no quoting.
    command: String,
    timeout_millis: Option<u64>,
    output_file: Option<PathBuf>,
}

impl Wanted {
    fn millis(&self) -> u64 {
        self.timeout_millis.unwrap_or(30_000)
    }
}

/// A checked program call.
pub(super) struct Executable {
    wanted: Wanted,
    token_type: String,
    /// Email of the service account that the subject will act as.
    acts_as: Option<String>,
}

impl Executable {
    /// # Errors
    /// When the command is empty or its time is out of bounds.
    pub(super) fn new(
        wanted: Wanted,
        token_type: &str,
        acts_as: Option<&str>,
    ) -> Result<Self, String> {
        if wanted.command.trim().is_empty() {
            return Err("its credential_source.executable.command is empty".to_owned());
        }
        if !(5_000..=120_000).contains(&wanted.millis()) {
            return Err(
                "its credential_source.executable.timeout_millis is not between 5000 and 120000"
                    .to_owned(),
            );
        }
        Ok(Self {
            wanted,
            token_type: token_type.to_owned(),
            acts_as: acts_as.map(str::to_owned),
        })
    }

    pub(super) async fn token(
        &self,
        cloud: &Cloud,
        audience: &str,
    ) -> Result<SecretString, ProviderError> {
        let program = self.program();
        if cloud.env.get(vars::ALLOW_EXECUTABLES) != Some("1") {
            return Err(ERRORS.misconfigured(format!(
                "the credentials file requests to run {program}: to allow it, set {}=1",
                vars::ALLOW_EXECUTABLES
            )));
        }
        if let Some(token) = self.saved(cloud) {
            return Ok(token);
        }
        let deadline = Duration::from_millis(self.wanted.millis()).min(LONGEST);
        let mut exec = Exec::new(program)
            .args(self.wanted.command.split_whitespace().skip(1))
            .env("GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE", audience)
            .env("GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE", &self.token_type)
            .env("GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE", "0")
            .deadline(deadline)
            .max_stdout(LONGEST_OUTPUT);
        if let Some(email) = &self.acts_as {
            exec = exec.env("GOOGLE_EXTERNAL_ACCOUNT_IMPERSONATED_EMAIL", email);
        }
        if let Some(file) = &self.wanted.output_file {
            exec = exec.env("GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE", file);
        }
        let output = exec.run().await.map_err(|error| {
            ERRORS
                .no_identity("the credentials file's program returned no subject token")
                .with_source(error)
        })?;
        let response = serde_json::from_slice(&output.stdout).map_err(|_| {
            ERRORS.malformed(format!("{program} did not print the documented JSON form"))
        })?;
        self.accept(response, cloud)
    }

    fn program(&self) -> &str {
        let mut words = self.wanted.command.split_whitespace();
        words.next().unwrap_or_default()
    }

    /// A token that an earlier run left in the output file and that has not expired.
    fn saved(&self, cloud: &Cloud) -> Option<SecretString> {
        let file = self.wanted.output_file.as_deref()?;
        let text = read_secret(file, MIB).ok()?;
        let response = serde_json::from_str(text.expose_secret()).ok()?;
        self.accept(response, cloud)
            .inspect_err(|error| {
                tracing::debug!(file = %file.display(), %error, "the saved response cannot be used");
            })
            .ok()
    }

    fn accept(&self, response: Response, cloud: &Cloud) -> Result<SecretString, ProviderError> {
        let program = self.program();
        let malformed = |reason| Err(ERRORS.malformed(format!("{program}: its {reason}")));
        if response.version != Some(1) {
            return malformed("response is not of version 1");
        }
        match response.success {
            None => return malformed("response does not state whether it succeeded"),
            Some(false) => {
                let message = plain(&response.message, 200);
                let code = plain(&response.code, 60);
                let message = format!("{program} reports {code}: {message}");
                return Err(ERRORS.of_kind(ErrorKind::Denied, message));
            }
            Some(true) => {}
        }
        match response.expiration_time {
            None if self.wanted.output_file.is_some() => {
                return malformed("response lacks expiration_time");
            }
            Some(expiry) if expiry <= cloud.now().timestamp() => {
                return malformed("token has already expired");
            }
            _ => {}
        }
        let token = match response.token_type.as_str() {
            OIDC_ID | OIDC_JWT => response.id_token,
            SAML => response.saml_response,
            _ => return malformed("response has an unknown token_type"),
        };
        if token.is_empty() {
            return malformed("response has no token");
        }
        Ok(token)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Response {
    version: Option<i64>,
    success: Option<bool>,
    token_type: String,
    #[serde(deserialize_with = "secret")]
    id_token: SecretString,
    #[serde(deserialize_with = "secret")]
    saml_response: SecretString,
    expiration_time: Option<i64>,
    code: String,
    message: String,
}

const OIDC_ID: &str = "urn:ietf:params:oauth:token-type:id_token";
const OIDC_JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const SAML: &str = "urn:ietf:params:oauth:token-type:saml2";
/// Leaves time for the exchange within the provider's deadline.
const LONGEST: Duration = Duration::from_secs(30);
const LONGEST_OUTPUT: usize = 256 * 1024;
