//! The `gcloud` program and the login that it keeps.
//!
//! gcp_auth can call it too, but takes every token to live an hour from now, while gcloud hands out
//! the one it has until it ends; its `config-helper` says the end.
//!
//! A gcloud in which nobody has logged in looks for the metadata server itself, by name, and takes
//! up to 40 seconds for that where names are not resolved. So whoever has asked the server already
//! looks here for a login first, and tells gcloud not to ask again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use regcred_core::{Env, ErrorKind, ProviderError};
use regcred_exec::{Exec, find_program};
use regcred_files::read_text;
use secrecy::SecretString;
use serde::Deserialize;

use crate::failure::failure;
use crate::gcloud_dir::gcloud_dir;
use crate::reach::Reach;
use crate::token::{AccessToken, is_empty, no_secret, secret};
use crate::vars;

/// The program, found.
pub(crate) struct Gcloud {
    reach: Reach,
    program: PathBuf,
    configuration: Option<String>,
}

impl Gcloud {
    /// `None` if `PATH` has no gcloud.
    pub(crate) fn find(reach: &Reach) -> Option<Self> {
        Some(Self {
            reach: reach.clone(),
            program: program(&reach.env)?,
            configuration: configuration(&reach.env),
        })
    }

    /// Where the program is.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// The text of the configuration in use, which names the account.
    pub(crate) fn configuration(&self) -> Option<&str> {
        self.configuration.as_deref()
    }

    /// Whether somebody has logged in, or configured which credentials gcloud uses.
    pub(crate) fn has_login(&self) -> bool {
        let env = &self.reach.env;
        let named = |text: &str| LOGIN_PROPERTIES.iter().any(|name| text.contains(name));
        LOGIN_VARS.iter().any(|name| env.get(name).is_some())
            || gcloud_dir(env).is_some_and(|dir| dir.join(LOGINS).exists())
            || self.configuration().is_some_and(named)
    }

    /// A token of gcloud's login, which has the scopes that it was made with. `may_ask_metadata` is
    /// false where the metadata server did not respond.
    pub(crate) async fn token(&self, may_ask_metadata: bool) -> Result<AccessToken, ProviderError> {
        let token = self.ask(false, may_ask_metadata).await?;
        if self.lives(&token, WORTHWHILE) {
            return Ok(token);
        }
        let token = self.ask(true, may_ask_metadata).await?;
        if self.lives(&token, TimeDelta::zero()) {
            return Ok(token);
        }
        Err(failure(
            ErrorKind::Malformed,
            "gcloud printed a token that has already expired",
        ))
    }

    async fn ask(&self, fresh: bool, may_ask_metadata: bool) -> Result<AccessToken, ProviderError> {
        let mut exec = Exec::new(&self.program)
            .args([
                "config",
                "config-helper",
                "--format=json(credential)",
                "--quiet",
            ])
            .deadline(DEADLINE)
            .max_stdout(LONGEST_OUTPUT)
            .max_stderr(LONGEST_COMPLAINT);
        if fresh {
            exec = exec.args(["--force-auth-refresh"]);
        }
        if !may_ask_metadata {
            exec = exec.env("CLOUDSDK_CORE_CHECK_GCE_METADATA", "false");
        }
        let output = exec.run().await.map_err(|e| {
            failure(
                ErrorKind::IdentityUnavailable,
                "gcloud gave no token; gcloud auth login renews its login",
            )
            .with_source(e)
        })?;
        let malformed = || {
            failure(
                ErrorKind::Malformed,
                "gcloud config config-helper printed no token with its end",
            )
        };
        let Answer { credential } =
            serde_json::from_slice(&output.stdout).map_err(|_| malformed())?;
        let expires_at = DateTime::parse_from_rfc3339(&credential.token_expiry)
            .map_err(|_| malformed())?
            .with_timezone(&Utc);
        if is_empty(&credential.access_token) {
            return Err(malformed());
        }
        Ok(AccessToken {
            secret: credential.access_token,
            expires_at,
        })
    }

    fn lives(&self, token: &AccessToken, at_least: TimeDelta) -> bool {
        token.expires_at - self.reach.now() >= at_least
    }
}

/// Where gcloud is.
fn program(env: &Env) -> Option<PathBuf> {
    find_program("gcloud", env.get("PATH")?)
}

/// The text of the configuration in use.
fn configuration(env: &Env) -> Option<String> {
    let dir = gcloud_dir(env)?;
    let active = read_text(&dir.join("active_config"), LONGEST_CONFIGURATION).ok();
    let active = env
        .get(vars::GCLOUD_CONFIG)
        .or(active.as_deref().map(str::trim))
        .unwrap_or("default");
    let path = dir.join("configurations").join(format!("config_{active}"));
    read_text(&path, LONGEST_CONFIGURATION).ok()
}

#[derive(Deserialize)]
struct Answer {
    credential: Credential,
}

#[derive(Deserialize)]
struct Credential {
    #[serde(default = "no_secret", deserialize_with = "secret")]
    access_token: SecretString,
    #[serde(default)]
    token_expiry: String,
}

/// A token with less life than this is renewed, as a pull may take a while.
const WORTHWHILE: TimeDelta = TimeDelta::minutes(10);
/// Twice that and a metadata server that does not answer fit into the provider's deadline.
const DEADLINE: Duration = Duration::from_secs(20);
/// Where gcloud keeps the accounts that have logged in.
const LOGINS: &str = "credentials.db";
const LOGIN_VARS: [&str; 3] = [
    vars::GCLOUD_ACCOUNT,
    vars::GCLOUD_CREDENTIAL_FILE,
    vars::GCLOUD_TOKEN_FILE,
];
const LOGIN_PROPERTIES: [&str; 2] = ["credential_file_override", "access_token_file"];
const LONGEST_CONFIGURATION: u64 = 64 * 1024;
const LONGEST_OUTPUT: usize = 256 * 1024;
const LONGEST_COMPLAINT: usize = 600;

#[cfg(test)]
mod tests;
