//! Tokens as token endpoints answer them: JSON members (RFC 6749 section 5.1) and the claims of a
//! JSON web token (RFC 7519), which are read here and never verified.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

/// A token and its end.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// The token.
    pub secret: SecretString,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// Reads a JSON string straight into its guarded form: `#[serde(deserialize_with = "secret")]`.
///
/// # Errors
/// When it is no string.
pub fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<SecretString, D::Error> {
    String::deserialize(from).map(SecretString::from)
}

/// The claims of a JSON web token; `None` for any other text. Padding and base64's standard alphabet
/// are accepted too, since some issuers use them.
#[must_use]
pub fn claims<T: DeserializeOwned>(token: &str) -> Option<T> {
    let mut parts = token.trim().split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    let payload: String = payload
        .trim_end_matches('=')
        .chars()
        .map(|c| match c {
            '+' => '-',
            '/' => '_',
            c => c,
        })
        .collect();
    let json = Zeroizing::new(URL_SAFE_NO_PAD.decode(payload).ok()?);
    serde_json::from_slice(&json).ok()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct End {
        exp: i64,
    }

    #[test]
    fn claims_are_read_in_either_alphabet() {
        let json = r#"{"exp":1700000000,"tid":"t","x":"???>>>~~~"}"#;
        for payload in [URL_SAFE_NO_PAD.encode(json), STANDARD.encode(json)] {
            let token = format!("h.{payload}.s\n");
            let exp = 1_700_000_000;
            assert_eq!(claims(&token), Some(End { exp }));
        }
    }

    #[test]
    fn what_is_no_jwt_has_no_claims() {
        for token in [
            "", "opaque", "a.b", "a.b.c", "a.e30.c", "a.%.c", "..", "é.é.é",
        ] {
            assert_eq!(claims::<End>(token), None, "{token}");
        }
    }
}
