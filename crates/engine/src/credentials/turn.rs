//! One credential after the other (kubernetes `pkg/kubelet/kuberuntime/kuberuntime_image.go`).

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use regcred_core::{Credentials, ErrorKind, report};
use regcred_keyring::{Candidate, Source};
use regcred_registry::RegistryError;
use serde::Serialize;

use super::lookup::Lookup;
use super::pod::Pod;
use crate::engine::Engine;

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

/// Something that is tried with one credential after the other.
pub(crate) trait Try: Sync {
    /// What success gives.
    type Done: Send;

    /// Tries it with a login, or with none.
    fn with(
        &self,
        login: Option<&Credentials>,
    ) -> impl Future<Output = Result<Self::Done, Refusal>> + Send;
}

/// Why one try failed.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) error: String,
    pub(crate) kind: ErrorKind,
    pub(crate) refused: bool,
    /// Whether another credential might fare better.
    pub(crate) curable: bool,
}

/// What came of all tries.
pub(crate) struct Turn<D> {
    /// What the last one gave, and with which credential; `None` when all failed.
    pub(crate) done: Option<(D, Option<Candidate>)>,
    pub(crate) attempts: Vec<Attempt>,
}

impl<D> Turn<D> {
    /// A turn that was over before its first try.
    pub(crate) fn throttled() -> Self {
        let refusal = Refusal {
            error: "pull QPS exceeded".to_owned(),
            kind: ErrorKind::Throttled,
            refused: false,
            curable: false,
        };
        Self {
            done: None,
            attempts: vec![Attempt::failed(None, refusal)],
        }
    }
}

impl Engine {
    /// Tries every distinct login of a look-up, or once without any; then, by the improvements
    /// chosen, what plugins say when they are asked again, and at last without a login.
    pub(crate) async fn try_in_turn<T: Try>(
        &self,
        image: &str,
        pod: &Pod,
        lookup: &mut Lookup,
        trial: &T,
    ) -> Turn<T::Done> {
        let first: Vec<Option<Candidate>> = in_turn(&lookup.candidates)
            .into_iter()
            .map(|turn| turn.map(|(_, candidate)| candidate.clone()))
            .collect();
        let anonymous = matches!(first[..], [None]);
        let mut run = Run {
            trial,
            attempts: Vec::new(),
            refused: Vec::new(),
        };
        let mut ended = run.through(first).await;
        if ended.is_none() && self.improvements().ask_again && !run.refused.is_empty() {
            let new = self.ask_again(image, pod, lookup, &run.refused).await;
            ended = run.through(new.into_iter().map(Some)).await;
        }
        if ended.is_none() && self.improvements().anonymous_last && !anonymous {
            ended = run.through([None]).await;
        }
        Turn {
            done: ended.flatten(),
            attempts: run.attempts,
        }
    }
}

struct Run<'a, T> {
    trial: &'a T,
    attempts: Vec<Attempt>,
    /// Where the logins came from that the registry refused.
    refused: Vec<Arc<Source>>,
}

impl<T: Try> Run<'_, T> {
    /// What the first success gave; inside, `None` when no further try can help; `None` when all
    /// failed and another might not.
    async fn through(
        &mut self,
        candidates: impl IntoIterator<Item = Option<Candidate>, IntoIter: Send>,
    ) -> Option<Option<(T::Done, Option<Candidate>)>> {
        for candidate in candidates {
            let login = candidate.as_ref().map(|one| &one.credentials);
            match self.trial.with(login).await {
                Ok(done) => return Some(Some((done, candidate))),
                Err(refusal) => {
                    if let Some(candidate) = &candidate
                        && refusal.refused
                    {
                        self.refused.push(Arc::clone(&candidate.source));
                    }
                    let curable = refusal.curable;
                    let attempt = Attempt::failed(candidate.as_ref(), refusal);
                    tracing::debug!(%attempt, "attempt failed");
                    self.attempts.push(attempt);
                    if !curable {
                        return Some(None);
                    }
                }
            }
        }
        None
    }
}

impl Attempt {
    fn failed(candidate: Option<&Candidate>, refusal: Refusal) -> Self {
        Self {
            login: candidate.map(Login::of),
            error: refusal.error,
            kind: refusal.kind,
            refused: refusal.refused,
        }
    }
}

impl From<&RegistryError> for Refusal {
    fn from(error: &RegistryError) -> Self {
        Self {
            error: report(error),
            kind: error.kind(),
            refused: error.credential_refused(),
            curable: error.is_curable_by_credential(),
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
