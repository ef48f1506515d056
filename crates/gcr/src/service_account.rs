//! Service account key files. The key signs an assertion that Google's OAuth2 endpoint exchanges
//! for a token (RFC 7523); outside `googleapis.com`, or on request, the signed text is the token.
//! gcp_auth makes the exchange where it can ([`crate::sdk`]).

use std::path::Path;

use chrono::TimeDelta;
use regcred_cloud::{AccessToken, SigningKey, secret};
use regcred_core::ProviderError;
use regcred_http::FormValue::{Secret, Text};
use regcred_http::Request;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

use crate::settings::{Cloud, GOOGLE, Settings, TOKEN_URL};
use crate::{ERRORS, call, sdk};

/// The fields of a key file that are used.
#[derive(Deserialize)]
pub(crate) struct ServiceAccountKey {
    client_email: String,
    #[serde(deserialize_with = "secret")]
    private_key: SecretString,
    private_key_id: Option<String>,
    token_uri: Option<String>,
    universe_domain: Option<String>,
}

/// A service account whose key is at hand.
pub(crate) struct ServiceAccount {
    key: ServiceAccountKey,
    signing_key: SigningKey,
    token_url: String,
    label: String,
}

impl ServiceAccount {
    /// # Errors
    /// What is wrong with the file.
    pub(crate) fn new(
        settings: &Settings,
        path: &Path,
        key: ServiceAccountKey,
    ) -> Result<Self, String> {
        settings.check_universe(key.universe_domain.as_deref())?;
        let token_url = match (&settings.oauth_url, &key.token_uri) {
            (Some(url), _) => url.clone(),
            (None, Some(url)) => settings.trusted_url("token_uri", url)?,
            (None, None) => TOKEN_URL.to_owned(),
        };
        let signing_key = SigningKey::from_pem(&key.private_key)
            .map_err(|reason| format!("its private_key cannot be used: {reason}"))?;
        Ok(Self {
            signing_key,
            token_url,
            label: format!("{} ({})", key.client_email, path.display()),
            key,
        })
    }

    /// An access token.
    pub(crate) async fn token(
        &self,
        cloud: &Cloud,
        scopes: &str,
    ) -> Result<AccessToken, ProviderError> {
        let email = &self.key.client_email;
        if cloud.settings.self_signed || cloud.settings.universe != GOOGLE {
            return self.signed(cloud, scopes, ("sub", email));
        }
        if self.token_url == TOKEN_URL
            && let Some(token) = sdk::key_token(cloud, email, &self.key.private_key, scopes).await
        {
            return Ok(token);
        }
        // The audience is Google's public name of the endpoint, also at a private address.
        let audience = self.key.token_uri.as_deref().unwrap_or(TOKEN_URL);
        let assertion = self.signed(cloud, scopes, ("aud", audience))?.secret;
        let request = Request::post(&self.token_url).form(&[
            ("grant_type", Text(JWT_BEARER)),
            ("assertion", Secret(&assertion)),
        ]);
        let server = call::server("Google's token endpoint", &self.token_url);
        let asked = ERRORS
            .token_call(format!("the key of {}", self.label), server)
            .if_refused(IF_REFUSED);
        call::token(cloud, &cloud.web()?, request, &asked).await
    }

    /// A text that the key signs: with `sub` it is a token, with `aud` an assertion.
    fn signed(
        &self,
        cloud: &Cloud,
        scopes: &str,
        (claim, value): (&str, &str),
    ) -> Result<AccessToken, ProviderError> {
        let issued = cloud.now() - BACKDATED;
        let expires_at = issued + LIFE;
        let claims = json!({
            "iss": self.key.client_email,
            "scope": scopes,
            "iat": issued.timestamp(),
            "exp": expires_at.timestamp(),
            claim: value,
        });
        let key_id = self.key.private_key_id.as_deref();
        let secret = self.signing_key.sign(&[("kid", key_id.into())], &claims);
        let secret = secret.map_err(|reason| {
            ERRORS.misconfigured(format!("cannot sign for {}: {reason}", self.label))
        })?;
        Ok(AccessToken {
            secret,
            expires_at: Some(expires_at),
        })
    }
}

const IF_REFUSED: &str =
    "create a new key if this one was deleted, enable the account, or set this machine's clock";
/// RFC 7523's grant type.
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// Google refuses assertions from its future, which a clock slightly ahead produces.
const BACKDATED: TimeDelta = TimeDelta::seconds(10);
/// The longest life that Google accepts.
const LIFE: TimeDelta = TimeDelta::hours(1);

#[cfg(test)]
mod tests;
