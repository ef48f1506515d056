//! The `gcloud` program, its configuration directory and the login that it keeps.
//!
//! gcp_auth can call it too, but takes every token to live an hour from now, while gcloud prints the
//! one it has until that expires; its `config-helper` prints the expiry.
//!
//! A gcloud without a login looks for the metadata server itself, by name, and takes up to 40 seconds
//! for that where names are not resolved. So a caller that has asked the server already first checks
//! for a login, and tells gcloud not to ask again.

use std::path::PathBuf;
use std::time::Duration;

use chrono::TimeDelta;
use regcred_cloud::{AccessToken, TokenCall, TokenResponse};
use regcred_core::{Env, ErrorKind, ProviderError, fingerprint};
use regcred_exec::{Exec, find_program};
use regcred_files::read_text;
use serde::Deserialize;

use crate::settings::Cloud;
use crate::{ERRORS, vars};

/// The directory that the environment names, else the usual one below the home directory.
pub(crate) fn gcloud_dir(env: &Env) -> Option<PathBuf> {
    env.path(vars::GCLOUD_CONFIG_DIR)
        .or_else(|| Some(env.home()?.join(".config/gcloud")))
}

/// The program and its state, as they were found.
pub(crate) struct Gcloud {
    program: PathBuf,
    dir: Option<PathBuf>,
    /// The text of the configuration in use, which names the account.
    configuration: String,
    /// Whether a person has logged in, or configured which credentials gcloud uses.
    pub(crate) has_login: bool,
}

impl Gcloud {
    /// `None` if `PATH` has no gcloud.
    pub(crate) fn find(env: &Env) -> Option<Self> {
        Some(Self::at(find_program("gcloud", env.get("PATH")?)?, env))
    }

    fn at(program: PathBuf, env: &Env) -> Self {
        let dir = gcloud_dir(env);
        let read = |file: &str| read_text(&dir.as_ref()?.join(file), LONGEST_CONFIGURATION).ok();
        let active = read("active_config");
        let active = env
            .get(vars::GCLOUD_CONFIG)
            .or(active.as_deref().map(str::trim))
            .unwrap_or("default");
        let configuration = read(&format!("configurations/config_{active}")).unwrap_or_default();
        let has_login = LOGIN_VARS.iter().any(|name| env.get(name).is_some())
            || dir.as_ref().is_some_and(|dir| dir.join(LOGINS).exists())
            || LOGIN_PROPERTIES
                .iter()
                .any(|name| configuration.contains(name));
        Self {
            program,
            dir,
            configuration,
            has_login,
        }
    }

    /// The login by stable names that hold no secret.
    pub(crate) fn key_parts(&self) -> Vec<(&'static str, String)> {
        let dir = self.dir.as_ref().map(|dir| dir.display().to_string());
        let configuration = fingerprint(&self.configuration.as_str().into());
        vec![
            ("gcloud", self.program.display().to_string()),
            ("gcloud directory", dir.unwrap_or_default()),
            ("gcloud configuration", configuration),
        ]
    }

    /// A token of gcloud's login, which has the scopes that it was made with. `may_ask_metadata` is
    /// false where the metadata server did not respond.
    pub(crate) async fn token(
        &self,
        cloud: &Cloud,
        may_ask_metadata: bool,
    ) -> Result<AccessToken, ProviderError> {
        let asked = asked();
        let kept = self.ask(false, may_ask_metadata).await?;
        if let Ok(token) = kept.accept(&asked, cloud.now(), WORTHWHILE) {
            return Ok(token);
        }
        let fresh = self.ask(true, may_ask_metadata).await?;
        fresh.accept(&asked, cloud.now(), TimeDelta::zero())
    }

    async fn ask(
        &self,
        fresh: bool,
        may_ask_metadata: bool,
    ) -> Result<TokenResponse, ProviderError> {
        let mut exec = Exec::new(&self.program)
            .args(["config", "config-helper"])
            .args(["--format=json(credential)", "--quiet"])
            .deadline(DEADLINE)
            .max_stdout(LONGEST_OUTPUT)
            .max_stderr(LONGEST_COMPLAINT);
        if fresh {
            exec = exec.args(["--force-auth-refresh"]);
        }
        if !may_ask_metadata {
            exec = exec.env("CLOUDSDK_CORE_CHECK_GCE_METADATA", "false");
        }
        let output = exec.run().await.map_err(|error| {
            asked()
                .error(ErrorKind::IdentityUnavailable)
                .with_source(error)
                .with_next_step("renew its login with gcloud auth login".to_owned())
        })?;
        match serde_json::from_slice(&output.stdout) {
            Ok(Helper { credential }) => Ok(credential),
            Err(_) => {
                let answer = "its config-helper did not print one as JSON";
                let error = asked().answered(ErrorKind::Malformed, answer);
                Err(error
                    .with_next_step("update gcloud: it must know config config-helper".to_owned()))
            }
        }
    }
}

fn asked() -> TokenCall {
    ERRORS.token_call("gcloud's login", "gcloud")
}

/// What `config-helper` prints.
#[derive(Deserialize)]
struct Helper {
    credential: TokenResponse,
}

/// Name of the file in the directory that `gcloud auth application-default login` writes.
pub(crate) const WELL_KNOWN: &str = "application_default_credentials.json";
/// A token with less life than this is renewed, as a pull may take a while.
const WORTHWHILE: TimeDelta = TimeDelta::minutes(10);
/// Twice that and a metadata server that does not respond fit into the provider's deadline.
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
