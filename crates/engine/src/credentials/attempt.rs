//! An attempt with one credential that failed, and the credential as it may be shown.

use std::fmt;
use std::time::Duration;

use regcred_core::{ErrorKind, report};
use regcred_keyring::Candidate;
use regcred_registry::RegistryError;
use serde::Serialize;

/// A credential as it may be shown: its origin and its user, never its password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CredentialLabel {
    /// The Secret, file or plugin.
    pub source: String,
    /// The key that matched the image.
    pub key: String,
    /// The user name; may be empty.
    pub username: String,
}

/// A failed attempt with a credential. `Display` is one line.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The credential; `None` for an anonymous attempt.
    pub credential: Option<CredentialLabel>,
    /// Why it did not work.
    pub error: AttemptError,
    /// How long the attempt took.
    pub took: Duration,
}

/// Why an image store or a registry refused a request. `Display` is the message.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct AttemptError {
    /// On one line, without secrets. A runtime's text that begins with `RegistryUnavailable` or
    /// `SignatureValidationFailed` becomes a reason of its own.
    pub message: String,
    /// The kind of failure, as far as it is known.
    pub kind: ErrorKind,
    /// Whether the registry or its token server refused the credential itself.
    pub refused: bool,
    /// Whether the credential went over the wire; `None` without a credential, or if it is not known.
    pub login_sent: Option<bool>,
    /// Logins of hosts' own, of a mirror or of the target of a redirect, that did, each with its host.
    pub host_logins: Vec<String>,
    /// What to do about it, where the message does not have it and no credential helps.
    pub next_step: Option<&'static str>,
    /// Whether another credential may work. For a kubelet this is true of every failure.
    pub curable: bool,
}

impl AttemptError {
    /// An error of a runtime that returns only a text: the next credential is tried, as a kubelet
    /// does.
    pub fn text(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            kind: ErrorKind::Unreachable,
            refused: false,
            login_sent: None,
            host_logins: Vec::new(),
            next_step: None,
            curable: true,
        }
    }

    /// The same for an entry without user name and password, with which nothing was sent.
    pub(crate) fn of_empty_login(self) -> Self {
        let is_refusal = self.refused || self.kind == ErrorKind::Denied;
        Self {
            login_sent: Some(false),
            next_step: self.next_step.or(is_refusal.then_some(EMPTY_LOGIN)),
            ..self
        }
    }
}

/// What docker leaves behind where the login is in its credential store.
const EMPTY_LOGIN: &str =
    "write user name and password into the entry: a kubelet does not ask docker's credential store";

impl From<RegistryError> for AttemptError {
    fn from(error: RegistryError) -> Self {
        Self {
            message: report(&error),
            kind: error.kind(),
            refused: error.credential_refused(),
            login_sent: error.login_sent(),
            host_logins: error.host_logins().to_vec(),
            next_step: error.next_step(),
            curable: error.is_curable_by_credential(),
        }
    }
}

impl From<&Candidate> for CredentialLabel {
    fn from(candidate: &Candidate) -> Self {
        Self {
            source: candidate.source.to_string(),
            key: candidate.key.clone(),
            username: candidate.credentials.username.clone(),
        }
    }
}

impl fmt::Display for CredentialLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (source, key, user) = (&self.source, &self.key, &self.username);
        if user.is_empty() {
            write!(f, "{source} (key {key}, no user name)")
        } else {
            write!(f, "{source} (key {key}, user {user})")
        }
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.credential {
            Some(credential) if self.error.login_sent == Some(false) => {
                write!(f, "{credential}, not sent: {}", self.error)
            }
            Some(credential) => write!(f, "{credential}: {}", self.error),
            None => write!(f, "anonymous: {}", self.error),
        }
    }
}

#[cfg(test)]
mod tests {
    use regcred_core::Credentials;
    use regcred_keyring::CredentialSource;

    use super::*;

    #[test]
    fn labels_name_source_key_and_user() {
        let candidate = Candidate {
            credentials: Credentials::new("u", "canary"),
            email: String::new(),
            source: CredentialSource::plugin("a"),
            key: "h.io".to_owned(),
        };
        let label = CredentialLabel::from(&candidate);
        assert_eq!(label.to_string(), "plugin a (key h.io, user u)");
        let label = CredentialLabel {
            username: String::new(),
            ..label
        };
        assert_eq!(label.to_string(), "plugin a (key h.io, no user name)");
    }
}
