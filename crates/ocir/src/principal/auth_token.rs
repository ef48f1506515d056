//! The login that needs no call: `<namespace>/<user>` and an auth token made in the console.

use std::path::PathBuf;

use regcred_core::{Credentials, Env, ProviderError};
use secrecy::SecretString;

use crate::failure::misconfigured;
use crate::secret_file;
use crate::vars;

/// A user name and where its auth token is.
#[derive(Debug)]
pub(crate) struct AuthToken {
    username: String,
    token: Place,
}

#[derive(Debug)]
enum Place {
    Given(SecretString),
    File(PathBuf),
}

impl AuthToken {
    /// The login that variables name, if they do.
    pub(crate) fn named(env: &Env) -> Result<Option<Self>, ProviderError> {
        let file = env
            .get(vars::AUTH_TOKEN_FILE)
            .map(|path| secret_file::expand(env, path));
        let token = env
            .get(vars::AUTH_TOKEN)
            .map(|token| Place::Given(token.trim().into()));
        let (username, token) = match (env.get(vars::USERNAME), token.or(file.map(Place::File))) {
            (None, None) => return Ok(None),
            (Some(username), Some(token)) => (username.trim(), token),
            _ => {
                return Err(misconfigured(format!(
                    "{} goes together with {} or {}",
                    vars::USERNAME,
                    vars::AUTH_TOKEN,
                    vars::AUTH_TOKEN_FILE
                )));
            }
        };
        let parts: Vec<&str> = username.split('/').collect();
        if parts.len() < 2 || parts.iter().any(|part| part.is_empty()) {
            return Err(misconfigured(format!(
                "{} must be NAMESPACE/USER or NAMESPACE/DOMAIN/USER; the namespace is Object \
                 Storage's, which is not the tenancy's name",
                vars::USERNAME
            )));
        }
        Ok(Some(Self {
            username: username.to_owned(),
            token,
        }))
    }

    /// The login itself.
    pub(crate) fn read(self) -> Result<Credentials, ProviderError> {
        let token = match self.token {
            Place::Given(token) => token,
            Place::File(path) => {
                let text = secret_file::read("the auth token in", &path)?;
                if text.trim().is_empty() {
                    return Err(misconfigured(format!("{} is empty", path.display())));
                }
                text.trim().into()
            }
        };
        Ok(Credentials::new(self.username, token))
    }
}
