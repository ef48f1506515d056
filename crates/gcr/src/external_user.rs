//! A person's login through workforce identity federation (`external_account_authorized_user`):
//! the Security Token Service refreshes it.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use regcred_core::{Credentials, ProviderError};
use regcred_http::Request;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::reach::Reach;
use crate::sts::ask_for_token;
use crate::token::{AccessToken, TokenSource, secret};

/// The fields of the file that are used.
#[derive(Deserialize)]
pub(crate) struct ExternalUserKey {
    client_id: String,
    #[serde(deserialize_with = "secret")]
    client_secret: SecretString,
    #[serde(deserialize_with = "secret")]
    refresh_token: SecretString,
    #[serde(default)]
    token_url: Option<String>,
    #[serde(default)]
    universe_domain: Option<String>,
}

/// Tokens for a federated person. Their scopes are those of the login.
pub(crate) struct ExternalUser {
    reach: Reach,
    path: PathBuf,
    login: Credentials,
    refresh_token: SecretString,
    url: String,
}

impl ExternalUser {
    /// # Errors
    /// When the file is of another universe or names an address that is not trusted.
    pub(crate) fn new(reach: &Reach, path: &Path, key: ExternalUserKey) -> Result<Self, String> {
        let settings = &reach.settings;
        settings.check_universe(key.universe_domain.as_deref())?;
        let url = match &key.token_url {
            Some(url) => settings.trusted_url("token_url", url)?,
            None => format!("https://sts.{}/v1/oauthtoken", settings.universe),
        };
        Ok(Self {
            reach: reach.clone(),
            path: path.to_owned(),
            login: Credentials::new(key.client_id, key.client_secret),
            refresh_token: key.refresh_token,
            url,
        })
    }
}

#[async_trait]
impl TokenSource for ExternalUser {
    async fn token(&self, _scopes: &[String]) -> Result<AccessToken, ProviderError> {
        let request = Request::post(&self.url)
            .basic(&self.login)
            .form(&[
                ("grant_type", "refresh_token"),
                ("refresh_token", self.refresh_token.expose_secret()),
            ])
            .secret_body();
        let failed = format!(
            "the Security Token Service gave no token for the login in {}; gcloud auth \
             application-default login renews it",
            self.path.display()
        );
        ask_for_token(
            &self.reach,
            &self.reach.web()?,
            request,
            &failed,
            "the Security Token Service",
        )
        .await
    }
}
