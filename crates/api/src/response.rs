//! `CredentialProviderResponse`: what a plugin prints, and the checks a kubelet makes of it
//! (kubernetes `pkg/credentialprovider/plugin/plugin.go`, `ExecPlugin` and `provide`).

use regcred_core::{CacheScope, Credentials, SecretText as _};
use regcred_go::{DecodeError, Decoder, Field, GoDuration, Value, field, json};
use secrecy::SecretString;

use crate::ApiVersion;
use crate::version::{TypeMeta, bounded, meta_error};

/// A plugin's answer.
#[derive(Clone, Debug)]
pub struct CredentialProviderResponse {
    /// The version of the document.
    pub api_version: ApiVersion,
    /// The other images for which the kubelet may use the answer.
    pub cache_key_type: CacheScope,
    /// How long the kubelet may keep the answer; `None` leaves it to `defaultCacheDuration`.
    pub cache_duration: Option<GoDuration>,
    /// Credentials by image pattern, in the order written. Empty means: none.
    pub auth: Vec<(String, Credentials)>,
}

impl CredentialProviderResponse {
    /// Writes the answer as one compact object and a newline.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        json::object_line(|answer| {
            answer.text("kind", KIND);
            answer.text("apiVersion", self.api_version.as_str());
            answer.text("cacheKeyType", self.cache_key_type.as_str());
            if let Some(duration) = self.cache_duration {
                answer.text("cacheDuration", &duration.to_string());
            }
            answer.object("auth", |auth| {
                for (pattern, login) in &self.auth {
                    auth.object(pattern, |entry| {
                        entry.text("username", &login.username);
                        entry.secret("password", &login.password);
                    });
                }
            });
        })
    }

    /// Reads what a plugin printed, with the kubelet's strictness and in its order. `not_token` is
    /// the service account token that was sent, if a plugin must not return it as a password
    /// (`cacheType` other than `Token`).
    ///
    /// # Errors
    /// The kubelet's sentence for the first check that fails.
    pub fn decode(
        stdout: &[u8],
        expected: ApiVersion,
        not_token: Option<&SecretString>,
    ) -> Result<Self, ResponseError> {
        let document =
            json::parse(stdout).map_err(|error| ResponseError::Unreadable(meta_error(&error)))?;
        let meta = TypeMeta::of(&document).map_err(ResponseError::Unreadable)?;
        let actual = meta.group_version();
        if actual != expected.as_str() {
            return Err(ResponseError::ApiVersion {
                expected,
                actual: bounded(&actual).to_owned(),
            });
        }
        let (cache_key_type, mut answer) = strict(document, &meta, expected)?;
        if let Some(token) = not_token
            && answer
                .auth
                .iter()
                .any(|(_, login)| login.password.is_same(token))
        {
            return Err(ResponseError::TokenEchoed);
        }
        answer.cache_key_type = CacheScope::ALL
            .into_iter()
            .find(|known| known.as_str() == cache_key_type)
            .ok_or_else(|| ResponseError::CacheKeyType(bounded(&cache_key_type).to_owned()))?;
        Ok(answer)
    }
}

/// Why a kubelet discards an answer. Displays as the kubelet's own sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResponseError {
    /// Not one JSON object whose type can be read.
    #[error("error reading GVK from response: {0}")]
    Unreadable(DecodeError),
    /// Another version than the request's.
    #[error(
        "apiVersion from credential plugin response did not match expected apiVersion:{}, \
         actual apiVersion:{actual}",
        expected.as_str()
    )]
    ApiVersion {
        /// The version of the request.
        expected: ApiVersion,
        /// The version of the answer.
        actual: String,
    },
    /// An unknown field, duplicate key, wrong type, bad duration or wrong kind. The kubelet does not
    /// name it, since its decoder's error may hold a secret; this error names the field and never a
    /// value.
    #[error("error decoding credential provider plugin response from stdout")]
    Malformed(DecodeError),
    /// The plugin returned the service account token as a password.
    #[error(
        "credential provider plugin returned the service account token as the password which is \
         not allowed when service account cache type is not set to 'Token'"
    )]
    TokenEchoed,
    /// A `cacheKeyType` that does not exist, or none.
    #[error("credential provider plugin did not return a valid cacheKeyType: {0}")]
    CacheKeyType(String),
}

/// The strict part: everything but the value of `cacheKeyType`, which is returned as written.
fn strict(
    document: Value,
    meta: &TypeMeta,
    api_version: ApiVersion,
) -> Result<(String, CredentialProviderResponse), ResponseError> {
    if meta.kind != KIND {
        let expected = DecodeError::new(format!("kind: expected {KIND}"));
        return Err(ResponseError::Malformed(expected));
    }
    let answer = CredentialProviderResponse {
        api_version,
        cache_key_type: CacheScope::Image,
        cache_duration: None,
        auth: Vec::new(),
    };
    let mut read = (String::new(), answer);
    let mut decoder = Decoder::new(api_version.go_package(), None).discreet();
    decoder.object(document, KIND, ANSWER, &mut read);
    decoder.finish().map_err(ResponseError::Malformed)?;
    Ok(read)
}

/// The value of `cacheKeyType`, and the rest.
const ANSWER: &[Field<(String, CredentialProviderResponse)>] = &[
    ("cacheKeyType", |d, value, (key_type, _)| {
        d.word(value, "PluginCacheKeyType", key_type);
    }),
    field!("cacheDuration", duration, 1.cache_duration),
    ("auth", |d, value, (_, answer)| {
        let auth = &mut answer.auth;
        d.map(value, "AuthConfig", LOGIN, |key, login| {
            auth.push((key, login))
        });
    }),
];
const LOGIN: &[Field<Credentials>] = &[
    field!("username", text, username),
    field!("password", secret, password),
];
pub(crate) const KIND: &str = "CredentialProviderResponse";

#[cfg(test)]
mod tests;
