//! A person's login, as `gcloud auth application-default login` leaves it: a refresh token that
//! Google's OAuth2 endpoint exchanges for an access token (RFC 6749 section 6).
//!
//! gcp_auth does it for the well-known file, under the conditions of [`crate::sdk`]; elsewhere, and
//! to learn the reason of a failure, the request is our own.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use regcred_core::ProviderError;
use regcred_http::Request;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::reach::Reach;
use crate::sdk;
use crate::settings::GOOGLE;
use crate::sts::ask_for_token;
use crate::token::{AccessToken, TokenSource, secret};

/// The fields of the file that are used.
#[derive(Deserialize)]
pub(crate) struct UserKey {
    client_id: String,
    #[serde(deserialize_with = "secret")]
    client_secret: SecretString,
    #[serde(deserialize_with = "secret")]
    refresh_token: SecretString,
    #[serde(default)]
    universe_domain: Option<String>,
}

/// Tokens for a person's login. Their scopes are those of the login.
pub(crate) struct AuthorizedUser {
    reach: Reach,
    path: PathBuf,
    key: UserKey,
}

impl AuthorizedUser {
    /// # Errors
    /// When the file is of another universe.
    pub(crate) fn new(reach: &Reach, path: &Path, key: UserKey) -> Result<Self, String> {
        reach
            .settings
            .check_universe(key.universe_domain.as_deref())?;
        Ok(Self {
            reach: reach.clone(),
            path: path.to_owned(),
            key,
        })
    }

    async fn refresh(&self) -> Result<AccessToken, ProviderError> {
        let settings = &self.reach.settings;
        let url = match &settings.endpoints.oauth {
            Some(url) => url.clone(),
            None => format!("https://oauth2.{}/token", settings.universe),
        };
        let request = Request::post(&url)
            .form(&[
                ("grant_type", "refresh_token"),
                ("client_id", &self.key.client_id),
                ("client_secret", self.key.client_secret.expose_secret()),
                ("refresh_token", self.key.refresh_token.expose_secret()),
            ])
            .secret_body();
        let failed = format!(
            "Google gave no token for the login in {}; gcloud auth application-default login renews \
             it",
            self.path.display()
        );
        ask_for_token(
            &self.reach,
            &self.reach.web()?,
            request,
            &failed,
            "Google's token endpoint",
        )
        .await
    }
}

#[async_trait]
impl TokenSource for AuthorizedUser {
    async fn token(&self, _scopes: &[String]) -> Result<AccessToken, ProviderError> {
        let Reach { env, settings, .. } = &self.reach;
        let public = settings.endpoints.oauth.is_none() && settings.universe == GOOGLE;
        if public && sdk::reaches_google(env) && sdk::reads_well_known(env, &self.path) {
            match sdk::well_known_token().await {
                Ok(token) => return Ok(token),
                Err(reason) => tracing::debug!(%reason, "gcp_auth gave no token"),
            }
        }
        self.refresh().await
    }
}
