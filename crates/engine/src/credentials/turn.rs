//! One credential after another (kubernetes `pkg/kubelet/kuberuntime/kuberuntime_image.go`).

use std::future::Future;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use regcred_core::{ErrorKind, ImageRef, SecretText as _, report};
use regcred_go::go_aggregate;
use regcred_keyring::{Candidate, CredentialSource, PullSecretError};
use regcred_registry::Logins;
use tokio::time::Instant;

use super::attempt::{Attempt, AttemptError, CredentialLabel};
use super::conclusion::{Conclusion, FailureContext};
use super::lookup::Lookup;
use super::pod::Pod;
use crate::engine::Engine;
use crate::plugin::PluginError;

/// The result of a registry request, and the credential that it was sent with.
#[derive(Debug)]
pub struct Turn<T> {
    /// The result of the attempt that worked.
    pub value: T,
    /// The credential of that attempt; `None` for the anonymous one.
    pub candidate: Option<Candidate>,
    /// How long that attempt took.
    pub took: Duration,
    /// The attempts before it, in order.
    pub attempts: Vec<Attempt>,
    /// Plugins that failed.
    pub failures: Vec<PluginError>,
}

/// Why no credential of a pod worked. `Display` has equal messages once, several in brackets, as a
/// kubelet prints them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// A pull secret cannot be read or parsed; nothing was attempted.
    #[error(transparent)]
    PullSecret(#[from] PullSecretError),
    /// Every attempt failed.
    #[error("{}", go_aggregate(attempts.iter().map(|attempt| &attempt.error.message)))]
    Failed {
        /// The attempts, in order.
        attempts: Vec<Attempt>,
        /// What is known of the sources of credentials.
        context: Box<FailureContext>,
    },
}

impl CredentialsError {
    pub(crate) fn failed(attempts: Vec<Attempt>, lookup: &Lookup) -> Self {
        let context = Box::new(lookup.context());
        Self::Failed { attempts, context }
    }

    /// The attempts, in order.
    #[must_use]
    pub fn attempts(&self) -> &[Attempt] {
        match self {
            Self::PullSecret(_) => &[],
            Self::Failed { attempts, .. } => attempts,
        }
    }

    /// Plugins that failed: often the cause.
    #[must_use]
    pub fn failures(&self) -> &[PluginError] {
        match self {
            Self::PullSecret(_) => &[],
            Self::Failed { context, .. } => &context.failures,
        }
    }

    /// What a kubelet passes over without an error ([`Lookup::passed_over`]): often the cause.
    #[must_use]
    pub fn passed_over(&self) -> &[String] {
        match self {
            Self::PullSecret(_) => &[],
            Self::Failed { context, .. } => &context.passed_over,
        }
    }

    /// The result in one line, as of an explanation.
    #[must_use]
    pub fn verdict(&self) -> Conclusion {
        match self {
            Self::PullSecret(error) => Conclusion::PullSecretError {
                error: report(error),
            },
            Self::Failed { attempts, context } => Conclusion::failed(attempts, context),
        }
    }

    /// The kind of failure of the last attempt; `None` without any attempt.
    #[must_use]
    pub fn kind(&self) -> Option<ErrorKind> {
        self.attempts().last().map(|attempt| attempt.error.kind)
    }
}

impl Engine {
    /// Runs a registry request with each credential of the pod for the image in turn until one
    /// works: the credentials, the order and the rules of a pull. Each distinct credential is tried
    /// once; without any one anonymous attempt is made, with some only with
    /// [`Improvements::anonymous_last`]. An error that no login caused, such as one of the network,
    /// ends the turn. A request gets the credential in [`Logins`], which also find those of mirrors:
    /// sources that differ only in these each have their turn.
    ///
    /// [`Improvements::anonymous_last`]: crate::Improvements::anonymous_last
    ///
    /// # Errors
    /// For a pull secret that cannot be read, and when every attempt failed.
    pub async fn with_credentials<T, E, F>(
        &self,
        image: &ImageRef,
        pod: &Pod,
        request: impl Fn(Logins) -> F + Send + Sync,
    ) -> Result<Turn<T>, CredentialsError>
    where
        F: Future<Output = Result<T, E>> + Send,
        E: Into<AttemptError> + Send,
        T: Send,
    {
        let mut lookup = self.lookup(&image.name(), pod).await?;
        self.try_in_turn(pod, &mut lookup, request).await
    }

    /// What a request gets for a candidate, or without any in the turn of a source.
    pub(crate) fn logins(
        &self,
        lookup: &Lookup,
        candidate: Option<&Candidate>,
        turn: Option<Arc<CredentialSource>>,
    ) -> Logins {
        let turn = candidate.map(|one| Arc::clone(&one.source)).or(turn);
        Logins::of_image(candidate.map(|one| one.credentials.clone()))
            .with_hosts(lookup.at_hosts(turn))
            .withheld_from_mirrors(self.improvements().withhold_from_mirrors)
    }

    /// As [`Engine::with_credentials`], for a look-up made before. With [`Improvements::ask_again`] the
    /// look-up contains the plugins' new answers afterwards.
    ///
    /// [`Improvements::ask_again`]: crate::Improvements::ask_again
    pub(crate) async fn try_in_turn<T, E, F>(
        &self,
        pod: &Pod,
        lookup: &mut Lookup,
        request: impl Fn(Logins) -> F + Send + Sync,
    ) -> Result<Turn<T>, CredentialsError>
    where
        F: Future<Output = Result<T, E>> + Send,
        E: Into<AttemptError> + Send,
        T: Send,
    {
        let mut ask_again = self.improvements().ask_again;
        let mut anonymous = Vec::new();
        if lookup.candidates.is_empty() {
            anonymous.extend(lookup.anonymous_turns().into_iter().map(Some));
        }
        if anonymous.is_empty()
            && (lookup.candidates.is_empty() || self.improvements().anonymous_last)
        {
            anonymous.push(None);
        }
        let mut anonymous = anonymous.into_iter();
        let (mut attempts, mut refused, mut next) = (Vec::new(), Vec::new(), 0);
        loop {
            let mut turn = None;
            let candidate = match lookup.next_distinct(next) {
                Some(at) => {
                    next = at + 1;
                    Some(lookup.candidates[at].clone())
                }
                None if mem::take(&mut ask_again) => {
                    self.ask_again(pod, lookup, &refused).await;
                    continue;
                }
                None => match anonymous.next() {
                    Some(source) => {
                        turn = source;
                        None
                    }
                    None => break,
                },
            };
            let began = Instant::now();
            let logins = self.logins(lookup, candidate.as_ref(), turn);
            let result = request(logins).await;
            let took = began.elapsed();
            let error: AttemptError = match result {
                Ok(value) => {
                    return Ok(Turn {
                        value,
                        candidate,
                        took,
                        attempts,
                        failures: lookup.failures().cloned().collect(),
                    });
                }
                Err(error) => error.into(),
            };
            let is_empty = candidate.as_ref().is_some_and(|one| {
                one.credentials.username.is_empty() && one.credentials.password.is_empty()
            });
            let error = if is_empty {
                error.of_empty_login()
            } else {
                error
            };
            let curable = error.curable;
            if let Some(candidate) = candidate.as_ref().filter(|_| error.refused) {
                refused.push(Arc::clone(&candidate.source));
            }
            let attempt = Attempt {
                credential: candidate.as_ref().map(CredentialLabel::from),
                error,
                took,
            };
            tracing::debug!(%attempt, "attempt failed");
            attempts.push(attempt);
            if !curable {
                break;
            }
        }
        Err(CredentialsError::failed(attempts, lookup))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use regcred_core::Env;

    use super::*;
    use crate::testing::{Node, auths};

    /// The users in their order, and what came of the last; a request works for one of them.
    async fn ask(config: &str, opens: &str, curable: bool) -> (Vec<String>, String) {
        let node = Node::new();
        node.write("docker.json", config);
        let engine = Engine::builder(&Env::default())
            .docker_configs([node.path("docker.json")])
            .build()
            .expect("sound");
        let image = ImageRef::parse("h.io/team/app").expect("a name");
        let asked = Mutex::new(Vec::new());
        let request = |logins: Logins| {
            let login = logins.image().cloned();
            let user = login.map_or_else(|| "anonymous".to_owned(), |login| login.username);
            asked.lock().expect("not poisoned").push(user.clone());
            async move {
                let refused = AttemptError {
                    curable,
                    ..AttemptError::text(format!("{user} may not"))
                };
                if user == opens {
                    Ok(user)
                } else {
                    Err(refused)
                }
            }
        };
        let turn = engine.with_credentials(&image, &Pod::new(), request).await;
        let last = match turn {
            Ok(turn) => format!("{} after {}", turn.value, turn.attempts.len()),
            Err(error) => error.to_string(),
        };
        (asked.into_inner().expect("not poisoned"), last)
    }

    #[tokio::test]
    async fn any_request_gets_the_credentials_of_a_pull_in_turn() {
        let config = auths(&[("h.io", "b:2"), ("h.io/team", "a:1"), ("*.io", "a:1")]);
        let (users, last) = ask(&config, "b", true).await;
        assert_eq!(
            (users, last),
            (vec!["a".into(), "b".into()], "b after 1".into())
        );
        let (users, last) = ask(&config, "c", true).await;
        assert_eq!(
            users.len(),
            2,
            "equal logins once, and no anonymous attempt"
        );
        assert_eq!(last, "[a may not, b may not]");
        let (users, last) = ask(&config, "b", false).await;
        assert_eq!((users.len(), &*last), (1, "a may not"));
        let (users, _) = ask("{}", "anonymous", true).await;
        assert_eq!(users, ["anonymous"]);
    }

    #[tokio::test]
    async fn an_entry_that_docker_emptied_is_not_sent_and_the_advice_names_its_store() {
        let node = Node::new();
        node.write(
            "docker.json",
            r#"{"auths":{"h.io":{}},"credsStore":"desktop"}"#,
        );
        let engine = Engine::builder(&Env::default())
            .docker_configs([node.path("docker.json")])
            .build()
            .expect("sound");
        let image = ImageRef::parse("h.io/app").expect("a name");
        let request = async |logins: Logins| {
            assert!(logins.image().is_none());
            Err::<(), _>(AttemptError {
                refused: true,
                ..AttemptError::text("answered 401")
            })
        };
        let error = engine.with_credentials(&image, &Pod::new(), request).await;
        let verdict = error.expect_err("refused").verdict().to_string();
        let start = "fails without a credential (not sent: docker config ";
        assert!(verdict.starts_with(start), "{verdict}");
        assert!(
            verdict.contains("credsStore is ignored by the kubelet"),
            "{verdict}"
        );
        assert!(
            verdict.ends_with("a kubelet does not ask docker's credential store"),
            "{verdict}"
        );
    }

    #[tokio::test]
    async fn a_pull_secret_that_does_not_parse_is_the_error() {
        let engine = Engine::builder(&Env::default()).build().expect("sound");
        let pod = Pod::new().pull_secret("s", b"{\"auths\":[]}".to_vec());
        let image = ImageRef::parse("h.io/app").expect("a name");
        let request = async |_| Err::<(), _>(AttemptError::text("not asked"));
        let error = engine.with_credentials(&image, &pod, request).await;
        let error = error.expect_err("malformed");
        assert!(matches!(error, CredentialsError::PullSecret(_)) && error.kind().is_none());
    }
}
