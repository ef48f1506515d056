//! Service account key files. The key signs an assertion that Google's OAuth2 endpoint exchanges
//! for a token (RFC 7523); outside `googleapis.com`, or on request, the signed text is the token.
//!
//! gcp_auth does the exchange where it can: Google's public endpoint, a PKCS#8 key, no proxy on the
//! way. It knows no proxies, no other endpoint and no old keys, and it keeps the answer's reason to
//! itself; so when it fails, the exchange is done once more here, and that answer counts.

use std::path::Path;

use async_trait::async_trait;
use chrono::TimeDelta;
use regcred_core::{ErrorKind, ProviderError};
use regcred_http::Request;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use crate::failure::failure;
use crate::jwt::SigningKey;
use crate::reach::Reach;
use crate::sdk;
use crate::settings::GOOGLE;
use crate::sts::ask_for_token;
use crate::token::{AccessToken, TokenSource, secret};

/// The fields of a key file that are used.
#[derive(Deserialize)]
pub(crate) struct ServiceAccountKey {
    pub(crate) client_email: String,
    #[serde(deserialize_with = "secret")]
    pub(crate) private_key: SecretString,
    #[serde(default)]
    private_key_id: Option<String>,
    #[serde(default)]
    token_uri: Option<String>,
    #[serde(default)]
    universe_domain: Option<String>,
}

/// Tokens for a service account whose key is at hand.
pub(crate) struct ServiceAccount {
    reach: Reach,
    key: ServiceAccountKey,
    signing_key: SigningKey,
    token_url: String,
    label: String,
}

impl ServiceAccount {
    /// # Errors
    /// What is wrong with the file.
    pub(crate) fn new(reach: &Reach, path: &Path, key: ServiceAccountKey) -> Result<Self, String> {
        let settings = &reach.settings;
        settings.check_universe(key.universe_domain.as_deref())?;
        let token_url = match (&settings.endpoints.oauth, &key.token_uri) {
            (Some(url), _) => url.clone(),
            (None, Some(url)) => settings.trusted_url("token_uri", url)?,
            (None, None) => TOKEN_URL.to_owned(),
        };
        let signing_key = SigningKey::from_pem(&key.private_key)
            .map_err(|reason| format!("its private_key is not usable: {reason}"))?;
        Ok(Self {
            reach: reach.clone(),
            signing_key,
            token_url,
            label: format!("{} ({})", key.client_email, path.display()),
            key,
        })
    }

    /// A token that the key alone vouches for: no call, an hour of life.
    fn self_signed(&self, scopes: &[String]) -> Result<AccessToken, ProviderError> {
        let issued = self.reach.now() - BACKDATED;
        let end = issued + LIFE;
        let token = self.sign(&json!({
            "iss": self.key.client_email,
            "sub": self.key.client_email,
            "scope": scopes.join(" "),
            "iat": issued.timestamp(),
            "exp": end.timestamp(),
        }))?;
        Ok(AccessToken {
            secret: token,
            expires_at: end,
        })
    }

    async fn exchange(&self, scopes: &[String]) -> Result<AccessToken, ProviderError> {
        let issued = self.reach.now() - BACKDATED;
        // The audience is Google's public name of the endpoint, also behind a private address.
        let audience = self.key.token_uri.as_deref().unwrap_or(TOKEN_URL);
        let assertion = self.sign(&json!({
            "iss": self.key.client_email,
            "scope": scopes.join(" "),
            "aud": audience,
            "iat": issued.timestamp(),
            "exp": (issued + LIFE).timestamp(),
        }))?;
        let request = Request::post(&self.token_url)
            .form(&[
                ("grant_type", JWT_BEARER),
                ("assertion", assertion.expose_secret()),
            ])
            .secret_body();
        ask_for_token(
            &self.reach,
            &self.reach.web()?,
            request,
            &format!("Google gave no token for the key of {}", self.label),
            "Google's token endpoint",
        )
        .await
    }

    fn sign(&self, claims: &serde_json::Value) -> Result<SecretString, ProviderError> {
        self.signing_key
            .sign(self.key.private_key_id.as_deref(), claims)
            .map_err(|reason| {
                failure(
                    ErrorKind::NotConfigured,
                    format!("cannot sign for {}: {reason}", self.label),
                )
            })
    }
}

#[async_trait]
impl TokenSource for ServiceAccount {
    async fn token(&self, scopes: &[String]) -> Result<AccessToken, ProviderError> {
        let settings = &self.reach.settings;
        if settings.self_signed || settings.universe != GOOGLE {
            return self.self_signed(scopes);
        }
        if self.token_url == TOKEN_URL && sdk::reaches_google(&self.reach.env) {
            match sdk::key_file_token(
                &self.key.client_email,
                &self.key.private_key,
                TOKEN_URL,
                scopes,
            )
            .await
            {
                Ok(token) => return Ok(token),
                Err(reason) => tracing::debug!(%reason, "gcp_auth gave no token"),
            }
        }
        self.exchange(scopes).await
    }
}

const TOKEN_URL: &str = "https://oauth2.googleapis.com/token";
/// RFC 7523's grant type.
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// Google refuses assertions from its future, which is a clock a little ahead.
const BACKDATED: TimeDelta = TimeDelta::seconds(10);
/// The longest life that Google accepts.
const LIFE: TimeDelta = TimeDelta::hours(1);

#[cfg(test)]
mod tests;
