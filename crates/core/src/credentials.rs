//! A registry login: user name and password.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

use crate::SecretText as _;

/// A registry login. The password never shows in `Debug`.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// User name; fixed words such as `AWS` or `_token` for most clouds. May be empty.
    pub username: String,
    /// Password or token. May be empty.
    pub password: SecretString,
}

impl Credentials {
    /// A login from its two parts.
    pub fn new(username: impl Into<String>, password: impl Into<SecretString>) -> Self {
        Self {
            username: username.into(),
            password: password.into(),
        }
    }

    /// Reads `base64(username:password)`, split at the first colon: ECR's `authorizationToken`.
    /// Standard alphabet with padding. `None` for anything else.
    #[must_use]
    pub fn from_basic(encoded: &str) -> Option<Self> {
        let plain = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
        let (username, password) = plain.split_once(':')?;
        Some(Self::new(username, password))
    }

    /// `base64(username:password)`: the value after `Authorization: Basic ` (RFC 7617) and of
    /// `auth` in a docker configuration file.
    #[must_use]
    pub fn to_basic(&self) -> SecretString {
        let password = self.password.expose_secret();
        STANDARD
            .encode(format!("{}:{password}", self.username))
            .into()
    }
}

impl PartialEq for Credentials {
    fn eq(&self, other: &Self) -> bool {
        self.username == other.username && self.password.is_same(&other.password)
    }
}

impl Eq for Credentials {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_splits_at_the_first_colon_and_round_trips() {
        let login = Credentials::from_basic("QVdTOmE6Yg==").expect("AWS:a:b");
        assert_eq!(login, Credentials::new("AWS", "a:b"));
        assert_eq!(login.to_basic().expose_secret(), "QVdTOmE6Yg==");
    }

    #[test]
    fn basic_refuses_text_without_colon_and_bad_base64() {
        assert!(Credentials::from_basic("QVdT").is_none());
        assert!(Credentials::from_basic("%%%").is_none());
    }

    #[test]
    fn debug_hides_the_password() {
        let shown = format!("{:?}", Credentials::new("AWS", "canary"));
        assert!(!shown.contains("canary"), "{shown}");
    }
}
