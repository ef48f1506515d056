//! Tokens as token endpoints return them: JSON members (RFC 6749 section 5.1) and the claims of a
//! JSON web token (RFC 7519), which are read here and never verified.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use regcred_core::{ErrorKind, ProviderError, SecretText as _};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use crate::TokenCall;

/// A token and its expiry.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// The token.
    pub secret: SecretString,
    /// When it expires; `None` when that is not known, and it must not be kept.
    pub expires_at: Option<DateTime<Utc>>,
}

/// The response of a token endpoint, by any of the names that clouds have for its members. What
/// else it holds is not read.
#[derive(Debug, Default, Deserialize)]
pub struct TokenResponse {
    #[serde(default, alias = "accessToken", deserialize_with = "secret_or_null")]
    access_token: SecretString,
    /// Registries have the token under this name, or under both.
    #[serde(default, deserialize_with = "secret_or_null")]
    token: SecretString,
    /// Unix seconds.
    #[serde(alias = "expires_on")]
    expiration: Option<Seconds>,
    /// RFC 3339.
    #[serde(alias = "expireTime", alias = "token_expiry")]
    expires_at: Option<String>,
    /// Seconds from now.
    expires_in: Option<Seconds>,
}

/// Seconds as a number or, as some metadata servers write them, as text.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(f64),
    Text(String),
}

impl Seconds {
    fn get(&self) -> Option<f64> {
        match self {
            Self::Number(seconds) => Some(*seconds),
            Self::Text(text) => text.trim().parse().ok(),
        }
    }
}

/// The response of an endpoint that has its token under another name, and no expiry beside it.
impl From<SecretString> for TokenResponse {
    fn from(access_token: SecretString) -> Self {
        Self {
            access_token,
            ..Self::default()
        }
    }
}

impl TokenResponse {
    /// The token, for endpoints whose tokens have their expiry elsewhere.
    ///
    /// # Errors
    /// When it does not exist, or is one with blanks or controls in it. Such a token would be refused much
    /// later, and for another reason.
    pub fn secret(self, call: &TokenCall) -> Result<SecretString, ProviderError> {
        let token = self.found();
        let text = token.expose_secret();
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic()) {
            let answer = "its response has no access token";
            return Err(call.answered(ErrorKind::Malformed, answer));
        }
        Ok(token.clone())
    }

    /// The token with its expiry: absolute, else relative, else by its own claim, else not known.
    ///
    /// # Errors
    /// Without a token, or if the token expires within `shortest`, the time below which the cloud's
    /// services refuse it.
    pub fn accept(
        self,
        call: &TokenCall,
        now: DateTime<Utc>,
        shortest: TimeDelta,
    ) -> Result<AccessToken, ProviderError> {
        let expires_at = self.expires_at(now);
        let secret = self.secret(call)?;
        if expires_at.is_some_and(|end| end <= now + shortest) {
            return Err(call.expired());
        }
        Ok(AccessToken {
            secret,
            expires_at: expires_at.map(|end| end.min(now + LONGEST_LIFE)),
        })
    }

    fn found(&self) -> &SecretString {
        if self.token.is_blank() {
            &self.access_token
        } else {
            &self.token
        }
    }

    fn expires_at(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let unix = self.expiration.as_ref().and_then(Seconds::get);
        let text = self.expires_at.as_deref();
        let life = self.expires_in.as_ref().and_then(Seconds::get);
        unix.and_then(instant)
            .or_else(|| Some(DateTime::parse_from_rfc3339(text?).ok()?.to_utc()))
            .or_else(|| now.checked_add_signed(whole(life?)?))
            .or_else(|| Claims::of(self.found())?.expires_at())
    }
}

/// The claims that providers look at. Nothing is verified: issuers and receivers do that; this is
/// for expiries, names and messages.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
pub struct Claims {
    /// Who issued the token.
    pub iss: Option<String>,
    /// For whom it was issued.
    pub sub: Option<String>,
    /// The tenant, in Entra ID's tokens.
    pub tid: Option<String>,
    /// The audiences: whom the token may be shown to. A text or a list in the token.
    #[serde(default, deserialize_with = "one_or_many")]
    pub aud: Vec<String>,
    #[serde(rename = "kubernetes.io")]
    kubernetes: Option<KubernetesClaims>,
    iat: Option<f64>,
    nbf: Option<f64>,
    exp: Option<f64>,
    /// The expiry in a password of Amazon ECR.
    expiration: Option<f64>,
}

/// What a cluster adds to the tokens of its service accounts.
#[derive(Clone, Debug, Deserialize, PartialEq)]
struct KubernetesClaims {
    serviceaccount: Option<KubernetesObject>,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
struct KubernetesObject {
    uid: Option<String>,
}

impl Claims {
    /// The claims of a JSON web token, or of a password of Amazon ECR, which is one object in base64;
    /// `None` for any other text. Padding and base64's standard alphabet are accepted too, since some
    /// issuers use them.
    #[must_use]
    pub fn of(token: &SecretString) -> Option<Self> {
        let parts: Vec<_> = token.expose_secret().trim().splitn(4, '.').collect();
        let ([payload] | [_, payload, _, ..]) = parts[..] else {
            return None;
        };
        let payload = payload.trim_end_matches('=').replace('+', "-");
        let json = URL_SAFE_NO_PAD.decode(payload.replace('/', "_")).ok()?;
        serde_json::from_slice(&Zeroizing::new(json)).ok()
    }

    /// The UID of the service account, which another one of the same name does not have.
    #[must_use]
    pub fn account_uid(&self) -> Option<&str> {
        let account = self.kubernetes.as_ref()?.serviceaccount.as_ref()?;
        account.uid.as_deref()
    }

    /// When the token expires.
    #[must_use]
    pub fn expires_at(&self) -> Option<DateTime<Utc>> {
        instant(self.exp.or(self.expiration)?)
    }

    /// From when the token is valid.
    #[must_use]
    pub fn valid_from(&self) -> Option<DateTime<Utc>> {
        instant(self.nbf.or(self.iat)?)
    }

    /// How long the token lives from its issue to its expiry.
    #[must_use]
    pub fn life(&self) -> Option<TimeDelta> {
        Some(instant(self.exp?)? - instant(self.iat?)?)
    }
}

fn one_or_many<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Audiences {
        One(String),
        Many(Vec<String>),
        None(IgnoredAny),
    }
    Ok(match Audiences::deserialize(from)? {
        Audiences::One(one) => vec![one],
        Audiences::Many(many) => many,
        Audiences::None(_) => Vec::new(),
    })
}

fn instant(seconds: f64) -> Option<DateTime<Utc>> {
    DateTime::UNIX_EPOCH.checked_add_signed(whole(seconds)?)
}

/// Whole seconds; some issuers write a fraction.
#[expect(clippy::cast_possible_truncation, reason = "whole seconds will do")]
fn whole(seconds: f64) -> Option<TimeDelta> {
    TimeDelta::try_seconds(seconds as i64).filter(|_| seconds.is_finite())
}

/// Reads a JSON string straight into its guarded form: `#[serde(deserialize_with = "secret")]`, for a
/// `SecretString` and, with `default`, for an `Option` of one.
///
/// # Errors
/// When it is not a string.
pub fn secret<'de, D, S>(from: D) -> Result<S, D::Error>
where
    D: Deserializer<'de>,
    S: From<SecretString>,
{
    String::deserialize(from).map(|text| SecretString::from(text).into())
}

fn secret_or_null<'de, D: Deserializer<'de>>(from: D) -> Result<SecretString, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    Ok(text.unwrap_or_default().into())
}

/// Longer than any token lives.
const LONGEST_LIFE: TimeDelta = TimeDelta::days(7);

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use crate::Errors;

    fn call() -> TokenCall {
        Errors::of("x").token_call("the key", "IAM")
    }

    fn accept(json: &str) -> Result<AccessToken, ProviderError> {
        let response: TokenResponse = serde_json::from_str(json).expect("json");
        let now = DateTime::UNIX_EPOCH;
        response.accept(&call(), now, TimeDelta::seconds(10))
    }

    #[test]
    fn the_absolute_expiry_wins_whatever_its_name() {
        for (json, expected) in [
            (
                r#"{"access_token":"t","expires_in":3600,"expiration":1800}"#,
                1800,
            ),
            (
                r#"{"access_token":"t","expires_at":"1970-01-01T00:50:00Z"}"#,
                3000,
            ),
            (r#"{"access_token":"t","expires_in":60}"#, 60),
            (r#"{"token":"t","expires_on":"90","expires_in":"60"}"#, 90),
            (r#"{"accessToken":"t","expires_in":9000000000}"#, 604_800),
            (r#"{"token":"t","expires_in":"59.9"}"#, 59),
        ] {
            let token = accept(json).expect(json);
            let end = token.expires_at.expect(json);
            assert_eq!(end.timestamp(), expected, "{json}");
        }
    }

    #[test]
    fn an_expiry_that_is_not_stated_is_the_tokens_own_or_not_known() {
        let response = |token: &str| -> TokenResponse {
            let json = format!(r#"{{"token":null,"access_token":"{token}"}}"#);
            serde_json::from_str(&json).expect("json")
        };
        let claims = format!("h.{}.s", URL_SAFE_NO_PAD.encode(r#"{"exp":1200}"#));
        for (token, expected) in [(claims.as_str(), Some(1200)), ("opaque", None)] {
            let response = response(token);
            let now = DateTime::UNIX_EPOCH;
            let accepted = response.accept(&call(), now, TimeDelta::zero());
            let accepted = accepted.expect(token);
            assert_eq!(accepted.secret.expose_secret(), token);
            let end = accepted.expires_at.map(|end| end.timestamp());
            assert_eq!(end, expected, "{token}");
            let bare = TokenResponse::from(SecretString::from(token));
            assert_eq!(bare.expires_at(now).is_some(), token != "opaque");
        }
    }

    #[test]
    fn a_token_is_used_whose_expiry_cannot_be_known() {
        for json in [
            r#"{"access_token":"t"}"#,
            r#"{"access_token":"t","expires_in":null}"#,
            r#"{"access_token":"t","expires_in":"soon"}"#,
            r#"{"access_token":"t","expires_at":"soon"}"#,
            // No date is so far away.
            r#"{"access_token":"t","expires_in":9000000000000000}"#,
            r#"{"access_token":"t","expires_in":1e300}"#,
        ] {
            let token = accept(json).expect(json);
            assert_eq!(token.secret.expose_secret(), "t");
            assert_eq!(token.expires_at, None, "{json}");
        }
    }

    #[test]
    fn half_responses_are_refused() {
        for json in [
            r#"{"expires_in":60}"#,
            r#"{"access_token":"","expires_in":60}"#,
            r#"{"token":"a b","expires_in":60}"#,
            r#"{"access_token":"t","expires_in":5}"#,
            r#"{"access_token":"t","expiration":-7}"#,
        ] {
            let error = accept(json).expect_err(json);
            assert_eq!(error.kind(), ErrorKind::Malformed, "{json}");
        }
    }

    fn token(payload: &str) -> SecretString {
        format!("h.{}.s", URL_SAFE_NO_PAD.encode(payload)).into()
    }

    #[test]
    fn claims_are_read_in_either_alphabet() {
        let json = r#"{"exp":1700000000,"tid":"t","x":"???>>>~~~"}"#;
        for payload in [URL_SAFE_NO_PAD.encode(json), STANDARD.encode(json)] {
            let claims = Claims::of(&format!("h.{payload}.s\n").into()).expect("claims");
            assert_eq!(claims.tid.as_deref(), Some("t"));
            assert_eq!(claims.expires_at().expect("exp").timestamp(), 1_700_000_000);
        }
    }

    #[test]
    fn expiries_are_whole_or_broken_seconds() {
        for (json, seconds) in [
            (r#"{"exp":1893456000,"sub":"a"}"#, Some(1_893_456_000)),
            (r#"{"exp":1.893456e9}"#, Some(1_893_456_000)),
            (r#"{"exp":1e300}"#, None),
            ("{}", None),
        ] {
            let claims = Claims::of(&token(json)).expect(json);
            assert_eq!(claims.expires_at().map(|t| t.timestamp()), seconds);
        }
        let claims = Claims::of(&token(r#"{"iat":100,"exp":700}"#)).expect("claims");
        assert_eq!(claims.life(), Some(TimeDelta::seconds(600)));
    }

    #[test]
    fn other_texts_have_no_claims() {
        for token in [
            "", "opaque", "a.b", "a.b.c", "a.e30.c", "a.%.c", "..", "é.é.é",
        ] {
            let claims = Claims::of(&token.into()).unwrap_or_default();
            assert_eq!(claims, Claims::default(), "{token}");
        }
    }
}
