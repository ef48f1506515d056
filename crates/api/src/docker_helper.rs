//! The protocol of docker credential helpers (docker-credential-helpers `credentials` package):
//! `get` answers and `store` takes one JSON object.

use regcred_core::SecretText as _;
use regcred_go::{DecodeError, Value, field_of, json};
use secrecy::SecretString;

/// What `docker-credential-x get` prints and `store` reads.
#[derive(Clone, Debug, Default)]
pub struct HelperCredentials {
    /// The registry, as docker names it.
    pub server_url: String,
    /// User name; `<token>` marks the secret as an identity token.
    pub username: String,
    /// Password or token.
    pub secret: SecretString,
}

impl HelperCredentials {
    /// Reads the object by Go's lenient rules: unknown fields are ignored, names match in any case.
    ///
    /// # Errors
    /// When it is not a JSON object, or a field is not a string.
    pub fn from_slice(input: &[u8]) -> Result<Self, DecodeError> {
        let Value::Object(members) = json::parse(input)? else {
            return Err(DecodeError::new("expected a JSON object"));
        };
        let mut found = Self::default();
        for (key, value) in &members {
            let Some(field) = field_of(key, &FIELDS) else {
                continue;
            };
            if let Some(text) = value.text_of(field, "a string")? {
                match field {
                    SERVER_URL => text.clone_into(&mut found.server_url),
                    USERNAME => text.clone_into(&mut found.username),
                    _ => found.secret = text.into(),
                }
            }
        }
        found.secret.never_shown();
        Ok(found)
    }

    /// Writes the object and a newline.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        self.secret.never_shown();
        json::object_line(|answer| {
            answer.text(SERVER_URL, &self.server_url);
            answer.text(USERNAME, &self.username);
            answer.secret(SECRET, &self.secret);
        })
    }
}

/// The exact text on stdout, with exit code 1, for a registry without credentials. Docker continues
/// without credentials; it treats any other text as a failure.
pub const NOT_FOUND: &str = "credentials not found in native keychain";
/// The text for a missing server URL.
pub const NO_SERVER_URL: &str = "no credentials server URL";
/// The text for a missing user name.
pub const NO_USERNAME: &str = "no credentials username";

const SERVER_URL: &str = "ServerURL";
const USERNAME: &str = "Username";
const SECRET: &str = "Secret";
const FIELDS: [&str; 3] = [SERVER_URL, USERNAME, SECRET];

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn the_object_is_pinned_both_ways() {
        let text = "{\"ServerURL\":\"https://h.io\",\"Username\":\"u\",\"Secret\":\"s\\u003c\"}\n";
        let read = HelperCredentials::from_slice(text.as_bytes()).expect("well-formed");
        assert_eq!((&*read.server_url, &*read.username), ("https://h.io", "u"));
        assert_eq!(read.secret.expose_secret(), "s<");
        assert_eq!(read.to_vec(), text.as_bytes());
    }

    #[test]
    fn names_come_in_any_case_and_unknown_ones_are_ignored() {
        let read = HelperCredentials::from_slice(
            br#"{"serverurl":"h","USERNAME":"u","username":null,"secret":"s","Expires":1}"#,
        )
        .expect("forgiving");
        assert_eq!((&*read.server_url, &*read.username), ("h", "u"));
        assert_eq!(read.secret.expose_secret(), "s");
    }

    #[test]
    fn errors_name_the_field_and_not_its_value() {
        for (text, error) in [
            ("[]", "expected a JSON object"),
            (r#"{"Secret":{"canary":1}}"#, "Secret: expected a string"),
            (r#"{"ServerURL":1}"#, "ServerURL: expected a string"),
        ] {
            let found = HelperCredentials::from_slice(text.as_bytes()).expect_err(text);
            assert_eq!(found.to_string(), error);
        }
    }
}
