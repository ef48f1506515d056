//! To whom a token was issued. Nothing is verified: this is for names and cache keys, never for a
//! decision.

use regcred_cloud::Claims;
use regcred_core::fingerprint;
use secrecy::SecretString;

/// Namespace and name of the Kubernetes service account that a token was issued to.
pub(crate) fn service_account(token: &SecretString) -> Option<(String, String)> {
    let subject = Claims::of(token)?.sub?;
    let (namespace, name) = subject
        .strip_prefix("system:serviceaccount:")?
        .split_once(':')?;
    Some((namespace.to_owned(), name.to_owned()))
}

/// The issuer and the subject of a token, the same for each renewal of it; its fingerprint when it
/// is not a JSON web token or lacks either claim.
pub(crate) fn stable_name(token: &SecretString) -> String {
    match Claims::of(token).unwrap_or_default() {
        Claims {
            iss: Some(issuer),
            sub: Some(subject),
            ..
        } => format!("{issuer} {subject}"),
        _ => fingerprint(token),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn token(claims: &str) -> SecretString {
        format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims)).into()
    }

    #[test]
    fn a_renewed_token_has_the_same_name_and_another_subject_has_not() {
        let first = token(r#"{"iss":"https://ci.example","sub":"repo:shop/web","exp":1}"#);
        let renewed = token(r#"{"iss":"https://ci.example","sub":"repo:shop/web","exp":2}"#);
        let other = token(r#"{"iss":"https://ci.example","sub":"repo:shop/job","exp":1}"#);
        assert_eq!(stable_name(&first), stable_name(&renewed));
        assert_ne!(stable_name(&first), stable_name(&other));
        assert_eq!(service_account(&first), None);
    }

    #[test]
    fn an_opaque_token_has_its_fingerprint_for_a_name() {
        for opaque in [
            "opaque".into(),
            "a.b.c".into(),
            token("[]"),
            token(r#"{"sub":"x"}"#),
        ] {
            let name = stable_name(&opaque);
            assert_eq!(name.len(), 64, "{name}");
            assert_ne!(name, stable_name(&"another".into()));
        }
    }
}
