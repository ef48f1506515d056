//! A registry login: user name and password.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::zeroize::Zeroizing;
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
        let plain = Zeroizing::new(STANDARD.decode(encoded.trim()).ok()?);
        let plain = std::str::from_utf8(&plain).ok()?;
        let (username, password) = plain.split_once(':')?;
        Some(Self::new(username, password))
    }

    /// Likely mistakes in the login, for which a registry reports only that it is refused: a line end
    /// that `echo` wrote, blanks at either end, control characters. Line breaks within a password are
    /// not one: the key of a Google service account has them. Never shows the password.
    #[must_use]
    pub fn oddities(&self) -> Vec<String> {
        let parts = [
            ("the user name", &*self.username),
            ("the password", self.password.expose_secret()),
        ];
        let odd = parts.into_iter().filter_map(|(what, text)| {
            let odd = if text.ends_with(['\n', '\r']) {
                "ends in a line end, as `echo` writes one"
            } else if text.trim() != text {
                "has blanks at its beginning or end"
            } else if text.contains(|c: char| c.is_control() && !c.is_ascii_whitespace()) {
                "has control characters"
            } else {
                return None;
            };
            Some(format!(
                "{what} {odd}: write the login again, with `printf %s`"
            ))
        });
        odd.collect()
    }

    /// From now on no text for a person has the password, or the login as `auth` of a docker configuration
    /// file, also where that is in base64 again: in a Secret.
    pub fn never_shown(&self) {
        self.password.never_shown();
        self.to_basic().never_shown();
    }

    /// `base64(username:password)`: the value after `Authorization: Basic ` (RFC 7617) and of
    /// `auth` in a docker configuration file.
    #[must_use]
    pub fn to_basic(&self) -> SecretString {
        let password = self.password.expose_secret();
        let plain = Zeroizing::new(format!("{}:{password}", self.username));
        STANDARD.encode(&*plain).into()
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
    fn a_line_end_and_blanks_around_a_login_are_noted() {
        let line_end = "ends in a line end, as `echo` writes one";
        let blanks = "has blanks at its beginning or end";
        for (username, password, what, odd) in [
            ("u", "canary\n", "the password", line_end),
            ("u", "canary\r\n", "the password", line_end),
            ("u", "canary ", "the password", blanks),
            ("u", "\tcanary", "the password", blanks),
            (" u", "canary", "the user name", blanks),
            ("u\n", "canary", "the user name", line_end),
            ("u", "can\0ary", "the password", "has control characters"),
        ] {
            let found = Credentials::new(username, password).oddities();
            let expected = format!("{what} {odd}: write the login again, with `printf %s`");
            assert_eq!(found, [expected]);
        }
        for (username, password) in [
            ("u", "pass word"),
            ("", ""),
            ("u", "p:ä"),
            ("_json_key", "{\n\t\"a\": 1\r\n}"),
        ] {
            let found = Credentials::new(username, password).oddities();
            assert_eq!(found, Vec::<String>::new(), "{username} {password}");
        }
    }

    #[test]
    fn debug_hides_the_password() {
        let shown = format!("{:?}", Credentials::new("AWS", "canary"));
        assert!(!shown.contains("canary"), "{shown}");
    }
}
