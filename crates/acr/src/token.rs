//! Tokens as answers carry them: OAuth's JSON members and the claims of a JWT (RFC 7519), read and
//! never verified.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

/// The claims that matter here.
#[derive(Debug, Default, Deserialize, PartialEq, Eq)]
pub(crate) struct Claims {
    /// When the token ends, in Unix seconds.
    pub(crate) exp: Option<i64>,
    /// The tenant that issued it, in Entra's tokens.
    pub(crate) tid: Option<String>,
}

impl Claims {
    /// The claims of a JWT; nothing for any other token. Padding and the standard alphabet are
    /// accepted too.
    pub(crate) fn of(token: &SecretString) -> Self {
        let payload = token.expose_secret().split('.').nth(1).unwrap_or_default();
        let payload: String = payload
            .trim_end_matches('=')
            .chars()
            .map(|c| match c {
                '+' => '-',
                '/' => '_',
                c => c,
            })
            .collect();
        let json = URL_SAFE_NO_PAD.decode(payload).unwrap_or_default();
        serde_json::from_slice(&json).unwrap_or_default()
    }
}

/// An access token in an answer of Entra ID, of a metadata server, or of something like them.
#[derive(Deserialize)]
pub(crate) struct TokenAnswer {
    #[serde(deserialize_with = "secret")]
    pub(crate) access_token: SecretString,
}

/// Reads a string straight into its guarded form.
pub(crate) fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<SecretString, D::Error> {
    String::deserialize(from).map(SecretString::from)
}

/// Tells secrets apart without telling them: SHA-256 in hexadecimal.
pub(crate) fn fingerprint(secret: &SecretString) -> String {
    let hash = digest(&SHA256, secret.expose_secret().as_bytes());
    hash.as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn claims_are_read_in_either_alphabet() {
        let json = r#"{"exp":1700000000,"tid":"t","x":"???>>>~~~"}"#;
        for payload in [URL_SAFE_NO_PAD.encode(json), STANDARD.encode(json)] {
            let claims = Claims::of(&format!("h.{payload}.s").into());
            assert_eq!(claims.exp, Some(1_700_000_000));
            assert_eq!(claims.tid.as_deref(), Some("t"));
        }
    }

    #[test]
    fn what_is_no_jwt_has_no_claims() {
        for token in ["", "opaque", "a.b.c", "a.e30.c", "..", "é.é.é"] {
            assert_eq!(Claims::of(&token.into()), Claims::default(), "{token}");
        }
    }

    #[test]
    fn fingerprints_differ_and_show_nothing() {
        let of = |text: &str| fingerprint(&text.into());
        assert_ne!(of("canary1"), of("canary2"));
        assert!(!of("canary1").contains("canary"));
    }
}
