//! Tokens of Entra ID and of registries: an answer's member, and the claims that matter here.

use regcred_cloud::{claims, secret};
use regcred_core::{ErrorKind, ProviderError};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::failure::failure;

/// The claims that matter here.
#[derive(Debug, Default, Deserialize, PartialEq, Eq)]
pub(crate) struct Claims {
    /// When the token ends, in Unix seconds.
    pub(crate) exp: Option<i64>,
    /// The tenant that issued it, in Entra's tokens.
    pub(crate) tid: Option<String>,
}

impl Claims {
    /// The claims of a JWT; nothing for any other token.
    pub(crate) fn of(token: &SecretString) -> Self {
        claims(token.expose_secret()).unwrap_or_default()
    }
}

/// An access token in an answer of Entra ID, of a metadata server, or of something like them.
#[derive(Deserialize)]
pub(crate) struct TokenAnswer {
    #[serde(deserialize_with = "secret")]
    access_token: SecretString,
}

impl TokenAnswer {
    /// The token, if there is one. An empty one would be refused much later, and for another reason.
    pub(crate) fn accept(self, issuer: &str) -> Result<SecretString, ProviderError> {
        match self.access_token.expose_secret().is_empty() {
            false => Ok(self.access_token),
            true => Err(failure(
                ErrorKind::Malformed,
                format!("{issuer} answered without an access token"),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_a_token_or_is_none() {
        let read = |json| serde_json::from_str::<TokenAnswer>(json).expect("an answer");
        let token = read(r#"{"access_token":"t","token_type":"x"}"#).accept("IMDS");
        assert_eq!(token.expect("a token").expose_secret(), "t");
        let error = read(r#"{"access_token":""}"#).accept("IMDS");
        let error = error.expect_err("empty").to_string();
        assert_eq!(error, "acr: IMDS answered without an access token");
    }

    #[test]
    fn what_is_no_jwt_has_no_claims() {
        for token in ["", "opaque", "a.e30.c"] {
            assert_eq!(Claims::of(&token.into()), Claims::default(), "{token}");
        }
    }
}
