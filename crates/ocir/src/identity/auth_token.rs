//! The login that needs no call: `<namespace>/<user>` and an auth token made in the console.

use regcred_cloud::{Options, SecretPlace};
use regcred_core::{Credentials, Env, ProviderError};

use crate::home_path::expand;
use crate::{ERRORS, vars};

/// A user name and where its auth token is.
#[derive(Debug)]
pub(crate) struct AuthToken {
    username: String,
    token: SecretPlace,
}

impl AuthToken {
    /// The login that variables name, if they do.
    pub(crate) fn named(env: &Env) -> Result<Option<Self>, ProviderError> {
        let options = Options::new(ERRORS, env);
        let given = options.secret(vars::AUTH_TOKEN).map(SecretPlace::Given);
        let file = options.text(vars::AUTH_TOKEN_FILE);
        let token = given.or_else(|| Some(SecretPlace::File(expand(env, file?))));
        let (username, token) = match (options.text(vars::USERNAME), token) {
            (None, None) => return Ok(None),
            (Some(username), Some(token)) => (username, token),
            _ => {
                return Err(ERRORS.misconfigured(format!(
                    "{} goes together with {} or {}",
                    vars::USERNAME,
                    vars::AUTH_TOKEN,
                    vars::AUTH_TOKEN_FILE
                )));
            }
        };
        let parts: Vec<&str> = username.split('/').collect();
        if parts.len() < 2 || parts.contains(&"") {
            return Err(options.wrong(
                vars::USERNAME,
                "must be NAMESPACE/USER or NAMESPACE/DOMAIN/USER; the namespace is Object \
                 Storage's, which is not the tenancy's name",
            ));
        }
        Ok(Some(Self {
            username: username.to_owned(),
            token,
        }))
    }

    /// The login itself.
    pub(crate) fn read(self) -> Result<Credentials, ProviderError> {
        let token = self.token.read(ERRORS, "the auth token")?;
        Ok(Credentials::new(self.username, token))
    }
}
