//! The seam between this provider and the places where a Google access token comes from, and the
//! answer of an OAuth2 token endpoint (RFC 6749 section 5.1).

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
pub(crate) use regcred_cloud::{AccessToken, secret};
use regcred_core::{ErrorKind, ProviderError};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::failure::failure;

/// One place that gives tokens.
#[async_trait]
pub(crate) trait TokenSource: Send + Sync {
    /// A token with these scopes, where the place can choose scopes.
    async fn token(&self, scopes: &[String]) -> Result<AccessToken, ProviderError>;
}

/// The answer of a token endpoint.
#[derive(Deserialize)]
pub(crate) struct TokenAnswer {
    #[serde(default = "no_secret", deserialize_with = "secret")]
    access_token: SecretString,
    #[serde(default)]
    expires_in: i64,
}

impl TokenAnswer {
    /// The token, if the answer is whole: a token and a positive life.
    pub(crate) fn accept(
        self,
        now: DateTime<Utc>,
        issuer: &str,
    ) -> Result<AccessToken, ProviderError> {
        let malformed = |what: &str| failure(ErrorKind::Malformed, format!("{issuer} {what}"));
        if is_empty(&self.access_token) {
            return Err(malformed("answered without an access token"));
        }
        let life = TimeDelta::try_seconds(self.expires_in)
            .filter(|life| *life > TimeDelta::zero() && *life <= LONGEST_LIFE)
            .ok_or_else(|| {
                malformed("answered with a token whose remaining life is missing or not positive")
            })?;
        Ok(AccessToken {
            secret: self.access_token,
            expires_at: now + life,
        })
    }
}

/// Whether there is nothing in it.
pub(crate) fn is_empty(secret: &SecretString) -> bool {
    secret.expose_secret().is_empty()
}

/// An absent secret.
pub(crate) fn no_secret() -> SecretString {
    SecretString::default()
}

/// Google's tokens end within twelve hours; more is a broken answer, and dates must not overflow.
const LONGEST_LIFE: TimeDelta = TimeDelta::days(7);
