//! `CredentialProviderResponse`: what a plugin prints, and the checks a kubelet makes of it
//! (kubernetes `pkg/credentialprovider/plugin/plugin.go`, `ExecPlugin` and `provide`).

use regcred_core::{CacheScope, Credentials};
use regcred_go::{DecodeError, Decoder, GoDuration, Value, json};
use secrecy::{ExposeSecret, SecretString};

use crate::ApiVersion;
use crate::version::{META_ERROR, TypeMeta, bounded};

/// A plugin's answer.
#[derive(Clone, Debug)]
pub struct CredentialProviderResponse {
    /// The version spoken.
    pub api_version: ApiVersion,
    /// For which other images the kubelet may use the answer.
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
        let mut out = String::from("{");
        json::push_member(&mut out, "kind", KIND);
        json::push_member(&mut out, "apiVersion", self.api_version.as_str());
        json::push_member(&mut out, "cacheKeyType", self.cache_key_type.as_str());
        if let Some(duration) = self.cache_duration {
            json::push_member(&mut out, "cacheDuration", &duration.to_string());
        }
        out.push_str("\"auth\":{");
        for (pattern, login) in &self.auth {
            json::push_string(&mut out, pattern);
            out.push_str(":{");
            json::push_member(&mut out, "username", &login.username);
            json::push_secret(&mut out, "password", &login.password);
            json::close_object(&mut out);
            out.push(',');
        }
        json::close_object(&mut out);
        json::close_object(&mut out);
        out.push('\n');
        out.into_bytes()
    }

    /// Reads what a plugin printed, with the kubelet's strictness and in its order. `not_token` is
    /// the service account token that was sent, where passing it on as a password is forbidden
    /// (`cacheType` other than `Token`).
    ///
    /// # Errors
    /// The kubelet's sentence for the first check that fails.
    pub fn decode(
        stdout: &[u8],
        expected: ApiVersion,
        not_token: Option<&SecretString>,
    ) -> Result<Self, ResponseError> {
        let document = json::parse(stdout).map_err(|error| {
            ResponseError::Unreadable(DecodeError::new(format!("{META_ERROR}{error}")))
        })?;
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
                .any(|(_, login)| login.password.expose_secret() == token.expose_secret())
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

/// Why a kubelet throws an answer away. Displays the kubelet's own sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// Not one JSON object whose type can be read.
    #[error("error reading GVK from response: {0}")]
    Unreadable(DecodeError),
    /// Another version than the one asked in.
    #[error(
        "apiVersion from credential plugin response did not match expected apiVersion:{expected}, \
         actual apiVersion:{actual}"
    )]
    ApiVersion {
        /// The version asked in.
        expected: ApiVersion,
        /// The one that came.
        actual: String,
    },
    /// An unknown field, duplicate key, wrong type, bad duration or wrong kind. The kubelet does not
    /// say which, since its decoder's error may hold a secret; what is kept here names the field
    /// and no value.
    #[error("error decoding credential provider plugin response from stdout")]
    Malformed(DecodeError),
    /// The plugin passed the service account token on as a password.
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
    let mut cache_key_type = String::new();
    let mut answer = CredentialProviderResponse {
        api_version,
        cache_key_type: CacheScope::Image,
        cache_duration: None,
        auth: Vec::new(),
    };
    let mut decoder = Decoder::discreet();
    decoder.object(
        document,
        ("", KIND),
        &[
            "kind",
            "apiVersion",
            "cacheKeyType",
            "cacheDuration",
            "auth",
        ],
        |decoder, field, value| match field {
            "cacheKeyType" => decoder.text(&value, "v1.PluginCacheKeyType", &mut cache_key_type),
            "cacheDuration" => decoder.duration(&value, &mut answer.cache_duration),
            "auth" => decoder.map(value, "map[string]v1.AuthConfig", |decoder, key, value| {
                answer.auth.push((key, login(decoder, value)));
            }),
            _ => decoder.text(&value, "string", &mut String::new()),
        },
    );
    decoder.finish().map_err(ResponseError::Malformed)?;
    Ok((cache_key_type, answer))
}

fn login(decoder: &mut Decoder, value: Value) -> Credentials {
    let mut login = Credentials::default();
    decoder.object(
        value,
        ("v1.AuthConfig", "AuthConfig"),
        &["username", "password"],
        |decoder, field, value| match field {
            "username" => decoder.text(&value, "string", &mut login.username),
            _ => decoder.secret(value, &mut login.password),
        },
    );
    login
}

const KIND: &str = "CredentialProviderResponse";

#[cfg(test)]
mod tests;
