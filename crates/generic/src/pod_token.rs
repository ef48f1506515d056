//! A service account token that may be sent: its one audience is the registry's.

use chrono::{DateTime, Utc};
use regcred_cloud::Claims;
use regcred_core::{ProviderError, plain};
use secrecy::{ExposeSecret as _, SecretString};

use crate::ERRORS;

/// A token that was checked, and whose it is.
#[derive(Clone, Debug)]
pub(crate) struct PodToken {
    pub(crate) secret: SecretString,
    /// `system:serviceaccount:NAMESPACE:NAME`.
    subject: String,
    audience: String,
    /// Issuer, subject and UID of the account.
    pub(crate) stable_name: String,
    pub(crate) expires_at: DateTime<Utc>,
}

impl PodToken {
    /// Accepts a token for this audience alone. The signature is not verified: whoever receives the
    /// token does that. `what` names the token in errors.
    ///
    /// # Errors
    /// When it is not a token of a cluster, has another audience or a second one, or has expired.
    pub(crate) fn accept(
        secret: &SecretString,
        what: &str,
        audience: &str,
        now: DateTime<Utc>,
    ) -> Result<Self, ProviderError> {
        let refused = |why: String| Err(ERRORS.no_identity(format!("{what} is not sent: {why}")));
        let text = secret.expose_secret().trim();
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.=+/".contains(&b);
        let claims = Claims::of(secret).filter(|_| text.bytes().all(is_plain));
        let Some(claims) = claims else {
            return refused("it is not a JSON web token".to_owned());
        };
        if claims.aud != [audience] {
            let found: Vec<_> = claims.aud.iter().map(|one| plain(one, SHOWN)).collect();
            return refused(format!(
                "its audience is {:?}, and the registry's entry has {audience:?}",
                found.join(", ")
            ));
        }
        if claims.iss.as_deref() == Some(audience) {
            return refused("its audience is the cluster itself, where it is a login".to_owned());
        }
        let (Some(subject), Some(expires_at)) = (&claims.sub, claims.expires_at()) else {
            return refused("it has no subject or no expiry".to_owned());
        };
        if expires_at <= now {
            return refused(format!("it has expired at {expires_at}"));
        }
        let issuer = claims.iss.as_deref().unwrap_or_default();
        let uid = claims.account_uid().unwrap_or_default();
        Ok(Self {
            secret: text.into(),
            stable_name: format!("{issuer} {subject} {uid}"),
            subject: plain(subject, SHOWN),
            audience: audience.to_owned(),
            expires_at,
        })
    }

    /// The account as messages name it, with what the token is for.
    pub(crate) fn label(&self) -> String {
        format!("{} (audience {:?})", self.subject, self.audience)
    }
}

/// `NAMESPACE/NAME` of the service account whose token it is.
pub(crate) fn account(token: &SecretString) -> Option<String> {
    let subject = Claims::of(token)?.sub?;
    let account = subject.strip_prefix("system:serviceaccount:")?;
    Some(account.replacen(':', "/", 1))
}

/// Characters of a claim in a message.
const SHOWN: usize = 100;

#[cfg(test)]
mod tests {
    use regcred_core::report;

    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).expect("a time")
    }

    fn token(claims: &str) -> SecretString {
        use base64::Engine as _;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims)).into()
    }

    fn accept(claims: &str) -> Result<PodToken, String> {
        PodToken::accept(&token(claims), "the pod's token", "zot", now()).map_err(|e| report(&e))
    }

    #[test]
    fn a_token_is_for_one_registry_or_is_not_sent() {
        let good = r#"{"iss":"i","sub":"system:serviceaccount:a:b","aud":["zot"],"exp":1800000100,
            "kubernetes.io":{"serviceaccount":{"name":"b","uid":"u-1"}}}"#;
        let accepted = accept(good).expect("accepted");
        assert_eq!(accepted.stable_name, "i system:serviceaccount:a:b u-1");
        assert_eq!(account(&token(good)).as_deref(), Some("a/b"));
        for (claims, why) in [
            (
                r#"{"sub":"s","aud":["zot","other"],"exp":1800000100}"#,
                "audience",
            ),
            (r#"{"sub":"s","aud":"other","exp":1800000100}"#, "\"other\""),
            (r#"{"sub":"s","exp":1800000100}"#, "audience"),
            (r#"{"sub":"s","aud":["zot"],"exp":1800000000}"#, "expired"),
            (r#"{"sub":"s","aud":["zot"]}"#, "no expiry"),
            (r#"{"aud":["zot"],"exp":1800000100}"#, "no subject"),
            (
                r#"{"iss":"zot","sub":"s","aud":["zot"],"exp":1800000100}"#,
                "cluster itself",
            ),
            ("[]", "JSON web token"),
        ] {
            let text = accept(claims).expect_err(claims);
            assert!(text.contains(why), "{text}");
        }
    }
}
