//! One credential after the other (kubernetes `pkg/kubelet/kuberuntime/kuberuntime_image.go`).

use std::fmt;

use regcred_core::{ErrorKind, report};
use regcred_keyring::Candidate;
use regcred_registry::RegistryError;
use serde::Serialize;

/// A credential as it may be shown: where it comes from and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Login {
    /// The Secret, file or plugin.
    pub source: String,
    /// The key that matched the image.
    pub key: String,
    /// The user name; may be empty.
    pub username: String,
}

impl Login {
    pub(crate) fn of(candidate: &Candidate) -> Self {
        Self {
            source: candidate.source.to_string(),
            key: candidate.key.clone(),
            username: candidate.credentials.username.clone(),
        }
    }
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            source,
            key,
            username,
        } = self;
        write!(f, "{source} (key {key}, user {username})")
    }
}

/// A credential that did not work, and why.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// The credential; `None` for an anonymous attempt.
    pub login: Option<Login>,
    /// The error with its causes, on one line.
    pub error: String,
    /// What kind of failure it was.
    #[serde(skip)]
    pub kind: ErrorKind,
    /// Whether the registry or its token server refused the credential itself.
    pub refused: bool,
}

impl Attempt {
    pub(crate) fn failed(candidate: Option<&Candidate>, error: &RegistryError) -> Self {
        Self {
            login: candidate.map(Login::of),
            error: report(error),
            kind: error.kind(),
            refused: error.credential_refused(),
        }
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.login {
            Some(login) => write!(f, "{login}: {}", self.error),
            None => write!(f, "anonymous: {}", self.error),
        }
    }
}

/// What is tried, in order: every distinct login with its place in the list, or nothing at all
/// once. A login that came from two places cannot fare better the second time.
pub(crate) fn in_turn(candidates: &[Candidate]) -> Vec<Option<(usize, &Candidate)>> {
    if candidates.is_empty() {
        return vec![None];
    }
    let all = candidates.iter().enumerate();
    all.filter(|(at, _)| same_login_before(candidates, *at).is_none())
        .map(Some)
        .collect()
}

/// The place of an earlier candidate with the same user name and password.
pub(crate) fn same_login_before(candidates: &[Candidate], at: usize) -> Option<usize> {
    let (earlier, rest) = candidates.split_at(at);
    let login = &rest.first()?.credentials;
    earlier.iter().position(|one| one.credentials == *login)
}

#[cfg(test)]
mod tests {
    use regcred_core::Credentials;
    use regcred_keyring::Source;

    use super::*;

    fn candidate(source: &str, password: &str) -> Candidate {
        Candidate {
            credentials: Credentials::new("u", password),
            source: Source::plugin(source),
            key: "h.io".to_owned(),
        }
    }

    #[test]
    fn equal_logins_are_tried_once_and_none_means_anonymous() {
        assert!(matches!(in_turn(&[])[..], [None]));
        let all = [
            candidate("a", "1"),
            candidate("b", "2"),
            candidate("c", "1"),
        ];
        let tried: Vec<String> = in_turn(&all)
            .into_iter()
            .flatten()
            .map(|(_, c)| c.source.to_string())
            .collect();
        assert_eq!(tried, ["plugin a", "plugin b"]);
        assert_eq!(same_login_before(&all, 2), Some(0));
        assert_eq!(same_login_before(&all, 1), None);
    }

    #[test]
    fn labels_name_source_key_and_user() {
        let login = Login::of(&candidate("a", "canary"));
        assert_eq!(login.to_string(), "plugin a (key h.io, user u)");
    }
}
