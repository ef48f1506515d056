//! To whom a token was issued. Read without verification: for names and cache keys only, never for
//! a decision.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use regcred_core::fingerprint;

/// The issuer and the subject of a JSON web token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    issuer: String,
    subject: String,
}

impl Subject {
    /// `None` for a token that is no JSON web token or has not both claims.
    pub(crate) fn of(token: &str) -> Option<Self> {
        let payload = token.trim().split('.').nth(1)?;
        let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
        let claims: serde_json::Value = serde_json::from_slice(&payload).ok()?;
        let text = |name| Some(claims.get(name)?.as_str()?.to_owned());
        Some(Self {
            issuer: text("iss")?,
            subject: text("sub")?,
        })
    }

    /// Namespace and name, when it is a Kubernetes service account.
    pub(crate) fn service_account(&self) -> Option<(&str, &str)> {
        self.subject
            .strip_prefix("system:serviceaccount:")?
            .split_once(':')
    }
}

/// Whom a token stands for, the same for each renewal of it; its digest when it does not say.
pub(crate) fn stable_name(token: &str) -> String {
    match Subject::of(token) {
        Some(Subject { issuer, subject }) => format!("{issuer} {subject}"),
        None => fingerprint(&token.trim().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn a_renewed_token_has_the_same_name_and_another_subject_has_not() {
        let first = token(r#"{"iss":"https://ci.example","sub":"repo:shop/web","exp":1}"#);
        let renewed = token(r#"{"iss":"https://ci.example","sub":"repo:shop/web","exp":2}"#);
        let other = token(r#"{"iss":"https://ci.example","sub":"repo:shop/job","exp":1}"#);
        assert_eq!(stable_name(&first), stable_name(&format!("{renewed}\n")));
        assert_ne!(stable_name(&first), stable_name(&other));
        assert_eq!(Subject::of(&first).expect("both").service_account(), None);
    }

    #[test]
    fn an_opaque_token_has_a_digest_for_a_name() {
        for opaque in ["opaque", "a.b.c", &token("[]"), &token(r#"{"sub":"x"}"#)] {
            let name = stable_name(opaque);
            assert_eq!(name.len(), 64, "{name}");
            assert_ne!(name, stable_name("another"));
        }
    }
}
