//! The answers that carry IAM's access token.

use chrono::{DateTime, TimeDelta, Utc};
use regcred_cloud::{AccessToken, secret};
use regcred_core::{ErrorKind, ProviderError};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::failure::failure;

/// The answer of `/identity/token`, and of the metadata server, which says times as text.
/// `refresh_token` is not read: it may be the words `not_supported`.
#[derive(Deserialize)]
pub(crate) struct TokenAnswer {
    #[serde(default, deserialize_with = "secret")]
    access_token: SecretString,
    /// Unix seconds.
    expiration: Option<i64>,
    /// RFC 3339.
    expires_at: Option<String>,
    expires_in: Option<i64>,
}

impl TokenAnswer {
    /// The token, if the answer is whole and the token alive.
    pub(crate) fn accept(
        self,
        now: DateTime<Utc>,
        issuer: &str,
    ) -> Result<AccessToken, ProviderError> {
        let malformed = |what: &str| failure(ErrorKind::Malformed, format!("{issuer} {what}"));
        let secret = strip_bearer(self.access_token.expose_secret());
        if secret.is_empty() {
            return Err(malformed("answered without an access token"));
        }
        let absolute = self
            .expiration
            .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
            .or_else(|| {
                Some(
                    DateTime::parse_from_rfc3339(self.expires_at.as_deref()?)
                        .ok()?
                        .to_utc(),
                )
            });
        let relative = || Some(now + TimeDelta::try_seconds(self.expires_in?)?);
        let expires_at = absolute
            .or_else(relative)
            .ok_or_else(|| malformed("answered with a token whose end is not said"))?;
        if expires_at <= now + SHORTEST_LIFE {
            return Err(malformed(
                "answered with a token that is over already; compare this machine's clock",
            ));
        }
        Ok(AccessToken {
            secret: secret.into(),
            expires_at: expires_at.min(now + LONGEST_LIFE),
        })
    }
}

/// The token behind `Bearer `, which IBM's command line prints in front of it.
pub(crate) fn strip_bearer(text: &str) -> &str {
    let text = text.trim();
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => text,
    }
}

/// IBM's services refuse a token with less than ten seconds left.
const SHORTEST_LIFE: TimeDelta = TimeDelta::seconds(10);
/// Longer than any token lives; keeps dates from overflowing.
const LONGEST_LIFE: TimeDelta = TimeDelta::days(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(json: &str) -> Result<AccessToken, ProviderError> {
        let answer: TokenAnswer = serde_json::from_str(json).expect("json");
        answer.accept(DateTime::UNIX_EPOCH, "IAM")
    }

    #[test]
    fn the_absolute_end_wins_and_bearer_is_cut_off() {
        let token = accept(
            r#"{"access_token":"Bearer ey.J","refresh_token":"not_supported","expires_in":3600,"expiration":1800}"#,
        )
        .expect("token");
        assert_eq!(token.secret.expose_secret(), "ey.J");
        assert_eq!(token.expires_at.timestamp(), 1800);
        let token = accept(r#"{"access_token":"t","expires_at":"1970-01-01T00:50:00Z"}"#);
        assert_eq!(token.expect("token").expires_at.timestamp(), 3000);
        let token = accept(r#"{"access_token":"t","expires_in":60}"#);
        assert_eq!(token.expect("token").expires_at.timestamp(), 60);
    }

    #[test]
    fn half_answers_are_refused() {
        for json in [
            r#"{"expires_in":60}"#,
            r#"{"access_token":"","expires_in":60}"#,
            r#"{"access_token":"t"}"#,
            r#"{"access_token":"t","expires_in":5}"#,
            r#"{"access_token":"t","expiration":-7}"#,
        ] {
            let error = accept(json).expect_err(json);
            assert_eq!(error.kind(), ErrorKind::Malformed, "{json}");
        }
    }
}
