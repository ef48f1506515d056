//! The result of a pull, or of an explanation, in one line.

use std::fmt;

use regcred_core::ErrorKind;
use regcred_go::go_aggregate;
use serde::Serialize;

use super::attempt::{Attempt, CredentialLabel};
use crate::plugin::{PluginEnvironment, PluginError};
use crate::table::plural;

/// The result of a pull. `Display` is one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "camelCase")]
#[non_exhaustive]
pub enum Conclusion {
    /// A pull secret fails every pull of the pod.
    PullSecretError {
        /// Why.
        error: String,
    },
    /// A credential works.
    Works {
        /// The first that does.
        credential: CredentialLabel,
        /// Whether it went over the wire: a registry gets it only where it asks for one.
        sent: bool,
    },
    /// The anonymous attempt works.
    WorksAnonymously,
    /// An attempt works with the logins of hosts' own: of a mirror, or of the target of a redirect.
    WorksWithHostLogins {
        /// Each with its host.
        logins: Vec<String>,
    },
    /// The image was in the store, and no registry was asked.
    Present,
    /// The anonymous attempt, the last one, fails.
    Fails(Failed),
    /// An attempt fails in a way that no credential can cure.
    Incurable(Failed),
    /// The registry refuses every credential.
    Refused(Failed),
    /// Nothing was attempted.
    #[serde(rename_all = "camelCase")]
    NotPulled {
        /// Why.
        error: String,
        /// What to do next, where the error does not have it.
        next_step: Option<String>,
    },
    /// The registry was not asked.
    Untried {
        /// How many plugins a pull would ask first.
        plugins: usize,
        /// How many credentials there are without them.
        credentials: usize,
        /// The first of these.
        first: Option<CredentialLabel>,
        /// Plugins that failed, and why.
        failures: Vec<String>,
    },
}

/// Failed attempts. `Display` has the credentials first, then what was answered, then what to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failed {
    /// The credentials that were sent, the logins of hosts' own included.
    pub sent: Vec<String>,
    /// The credentials that were not sent: no server asked for them.
    pub not_sent: Vec<String>,
    /// Plugins that failed, and why: often the cause.
    pub failures: Vec<String>,
    /// The environment that they had; `None` if no plugin failed.
    pub plugin_environment: Option<PluginEnvironment>,
    /// What a kubelet passes over without an error.
    pub passed_over: Vec<String>,
    /// Each server with its answer.
    pub error: String,
    /// What to do next, where the error does not have it.
    pub next_step: Option<String>,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.sent.is_empty() {
            f.write_str("fails without a credential")?;
        } else {
            write!(f, "fails with {}", self.sent.join(", then "))?;
        }
        let unsent = self.not_sent.iter().map(|one| format!("not sent: {one}"));
        let environment = self.plugin_environment.iter();
        let rest = unsent
            .chain(self.failures.iter().cloned())
            .chain(environment.map(ToString::to_string))
            .chain(self.passed_over.iter().cloned());
        let rest: Vec<_> = rest.collect();
        if !rest.is_empty() {
            write!(f, " ({})", rest.join("; "))?;
        }
        write!(f, ": {}", self.error)?;
        after_semicolon(f, self.next_step.as_ref())
    }
}

fn after_semicolon(f: &mut fmt::Formatter<'_>, next_step: Option<&String>) -> fmt::Result {
    next_step.map_or(Ok(()), |next| write!(f, "; {next}"))
}

impl Conclusion {
    /// The result of attempts that all failed.
    pub(crate) fn failed(attempts: &[Attempt], context: &FailureContext) -> Self {
        let mut failed = Failed {
            error: go_aggregate(attempts.iter().map(|one| &one.error.message)),
            failures: context.failure_lines(),
            plugin_environment: context.plugin_environment.clone(),
            passed_over: context.passed_over.clone(),
            ..Failed::default()
        };
        for attempt in attempts {
            if let Some(credential) = &attempt.credential {
                let is_unsent = attempt.error.login_sent == Some(false);
                let logins = if is_unsent {
                    &mut failed.not_sent
                } else {
                    &mut failed.sent
                };
                logins.push(credential.to_string());
            }
            for login in &attempt.error.host_logins {
                if !failed.sent.contains(login) {
                    failed.sent.push(login.clone());
                }
            }
        }
        let Some(last) = attempts.last() else {
            return Self::Fails(failed);
        };
        let is_denied = last.error.refused || last.error.kind == ErrorKind::Denied;
        let is_refusal = last.error.next_step.is_none() && is_denied;
        failed.next_step = if !is_refusal {
            last.error.next_step.map(str::to_owned)
        } else if !failed.failures.is_empty() {
            Some("repair what stopped the plugin".to_owned())
        } else if last.credential.is_none() && failed.sent.is_empty() {
            let sources = context.looked_at.as_ref();
            sources.map(|sources| format!("no login was found: {sources}"))
        } else {
            Some(RENEW.to_owned())
        };
        if last.credential.is_none() {
            Self::Fails(failed)
        } else if last.error.curable {
            Self::Refused(failed)
        } else {
            Self::Incurable(failed)
        }
    }
}

/// What is known of the sources of credentials when every attempt failed.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct FailureContext {
    /// Plugins that failed: often the cause.
    pub failures: Vec<PluginError>,
    /// The environment that they had; `None` if no plugin failed.
    pub plugin_environment: Option<PluginEnvironment>,
    /// What a kubelet passes over without an error ([`Lookup::passed_over`]).
    ///
    /// [`Lookup::passed_over`]: crate::Lookup::passed_over
    pub passed_over: Vec<String>,
    /// The sources in which no login was found; `None` if a login was found.
    pub looked_at: Option<String>,
}

impl FailureContext {
    pub(crate) fn failure_lines(&self) -> Vec<String> {
        self.failures.iter().map(PluginError::line).collect()
    }
}

impl fmt::Display for Conclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.result(f)?;
        match self {
            Self::Untried { failures, .. } => failures
                .iter()
                .try_for_each(|failure| write!(f, "; {failure}")),
            _ => Ok(()),
        }
    }
}

impl Conclusion {
    fn result(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PullSecretError { error } => {
                write!(
                    f,
                    "every pull of this pod fails before any attempt: {error}"
                )
            }
            Self::Works { credential, sent } => {
                write!(f, "works with {credential}")?;
                if !sent {
                    f.write_str(", not sent: the registry returned the image without it")?;
                }
                Ok(())
            }
            Self::WorksAnonymously => f.write_str("works without a credential"),
            Self::WorksWithHostLogins { logins } => {
                write!(f, "works with {}", logins.join(" and "))
            }
            Self::Present => f.write_str("present in the store"),
            Self::Fails(failed) | Self::Incurable(failed) | Self::Refused(failed) => {
                fmt::Display::fmt(failed, f)
            }
            Self::NotPulled { error, next_step } => {
                write!(f, "not pulled: {error}")?;
                after_semicolon(f, next_step.as_ref())
            }
            Self::Untried {
                plugins: 0,
                credentials,
                first,
                ..
            } => match (first, credentials) {
                (None, _) => f.write_str("no credential: one anonymous attempt"),
                (Some(first), 1) => write!(f, "a pull would try {first}"),
                (Some(first), n) => write!(f, "a pull would try {n} credentials, first {first}"),
            },
            Self::Untried {
                plugins,
                credentials,
                ..
            } => {
                let asked = plural(*plugins, "plugin");
                let known = match credentials {
                    0 => "no credential is known".to_owned(),
                    1 => "1 credential is known".to_owned(),
                    n => format!("{n} credentials are known"),
                };
                let them = if *plugins == 1 { "it" } else { "them" };
                write!(f, "a pull would ask {asked} first; {known} without {them}")
            }
        }
    }
}

const RENEW: &str = "renew the login, give its user the right to pull from this repository, or remove it if the \
     image is public";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::credentials::AttemptError;

    fn attempt(user: Option<&str>, error: AttemptError) -> Attempt {
        Attempt {
            credential: user.map(|user| CredentialLabel {
                source: "pull secret s".to_owned(),
                key: "h.io".to_owned(),
                username: user.to_owned(),
            }),
            error,
            took: Duration::ZERO,
        }
    }

    fn refused() -> AttemptError {
        AttemptError {
            refused: true,
            ..AttemptError::text("h.io answered 401")
        }
    }

    #[test]
    fn a_failure_names_the_credentials_then_the_answer_then_what_to_do() {
        let unsent = AttemptError {
            login_sent: Some(false),
            ..refused()
        };
        let attempts = [attempt(Some("a"), unsent), attempt(Some("b"), refused())];
        let context = FailureContext {
            passed_over: vec!["config.json does not parse".to_owned()],
            ..FailureContext::default()
        };
        assert_eq!(
            Conclusion::failed(&attempts, &context).to_string(),
            "fails with pull secret s (key h.io, user b) (not sent: pull secret s (key h.io, user a); \
             config.json does not parse): h.io answered 401; renew the login, give its user the right to \
             pull from this repository, or remove it if the image is public"
        );
    }

    #[test]
    fn a_refusal_without_a_login_names_the_sources_and_a_failed_plugin_comes_before_them() {
        let context = FailureContext {
            looked_at: Some("no pull secret was named".to_owned()),
            ..FailureContext::default()
        };
        let failure =
            |context| Conclusion::failed(&[attempt(None, refused())], &context).to_string();
        assert_eq!(
            failure(context.clone()),
            "fails without a credential: h.io answered 401; no login was found: no pull secret was \
             named"
        );
        let failures = vec![PluginError::ServiceAccount {
            plugin: "p".to_owned(),
            reason: "no role".to_owned(),
        }];
        assert_eq!(
            failure(FailureContext {
                failures,
                plugin_environment: Some(PluginEnvironment::default()),
                ..context
            }),
            "fails without a credential (plugin p failed: no role; environment of this command, not \
             of a kubelet: no variable that plugins read): h.io answered 401; repair what stopped \
             the plugin"
        );
    }

    #[test]
    fn the_registrys_own_next_step_comes_last() {
        let error = AttemptError {
            next_step: Some("try again later"),
            ..AttemptError::text("h.io answered 503")
        };
        let verdict = Conclusion::failed(&[attempt(None, error)], &FailureContext::default());
        let json = serde_json::to_value(&verdict).expect("JSON");
        assert_eq!(
            (&json["result"], &json["nextStep"]),
            (&"fails".into(), &"try again later".into())
        );
    }

    #[test]
    fn a_login_that_a_mirror_refused_is_to_be_renewed() {
        let error = AttemptError {
            host_logins: vec!["docker config c (key m, user b), to mirror m".to_owned()],
            ..refused()
        };
        let verdict = Conclusion::failed(&[attempt(None, error)], &FailureContext::default());
        let Conclusion::Fails(failed) = verdict else {
            panic!("{verdict}");
        };
        assert_eq!(failed.next_step.as_deref(), Some(RENEW));
    }
}
