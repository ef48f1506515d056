//! The AWS identity that asks for the token: the default chain in the order of the Go SDK, which
//! upstream's programs use.
//!
//! As in Go, the first source that is configured is taken, and its failure is final; only sources
//! that are not configured are passed over. The Rust SDK's own default chain puts the profile
//! before the web identity and cannot be given an environment, so the order is made here out of
//! its parts.

mod container;
mod json;
mod keys;
mod metadata;
mod process;
mod profile;
mod web_identity;

use std::fmt;
use std::time::Duration;

use aws_credential_types::Credentials;
use regcred_core::{Env, ErrorKind};
use tokio::time::Instant;

use crate::endpoint::Endpoint;
use crate::journal::Journal;
use crate::sdk::Sdk;
use crate::shared_config::SharedConfig;

pub(crate) use metadata::Metadata;
pub(crate) use web_identity::holder;

/// Keys, and where they came from in words.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) credentials: Credentials,
    pub(crate) source: String,
}

/// The chain for one call.
#[derive(Debug)]
pub(crate) struct Chain<'a> {
    pub(crate) env: &'a Env,
    pub(crate) config: &'a SharedConfig,
    pub(crate) sdk: &'a Sdk,
    pub(crate) sts: &'a Endpoint,
    pub(crate) journal: &'a Journal,
}

/// What one source of the chain has.
#[derive(Debug)]
enum Outcome {
    Found(Credentials),
    /// Not configured here, with the reason.
    Absent(String),
}

/// Why there is no identity.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IdentityError {
    /// A source that is configured, or was named, failed.
    #[error("{source_name} failed")]
    Failed {
        source_name: String,
        kind: ErrorKind,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No source is configured and the instance has none.
    #[error("tried in this order: {0}")]
    Nothing(Tried),
}

/// The sources that were tried, each with its reason.
#[derive(Debug, Default)]
pub(crate) struct Tried(Vec<(&'static str, String)>);

impl IdentityError {
    /// The class that the caller acts on.
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Failed { kind, .. } => *kind,
            Self::Nothing(_) => ErrorKind::IdentityUnavailable,
        }
    }

    fn failed(
        source_name: impl Into<String>,
        kind: ErrorKind,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Failed {
            source_name: source_name.into(),
            kind,
            source: source.into(),
        }
    }
}

impl Chain<'_> {
    /// The ambient identity.
    pub(crate) async fn resolve(&self) -> Result<Identity, IdentityError> {
        let mut tried = Tried::default();
        for step in STEPS {
            let started = Instant::now();
            self.journal.now(step.name());
            let outcome = tokio::time::timeout(step.budget(), self.step(*step))
                .await
                .unwrap_or_else(|_| step.timed_out())?;
            match outcome {
                Outcome::Found(credentials) => {
                    tracing::debug!(
                        "AWS identity from {} in {:?}",
                        step.name(),
                        started.elapsed()
                    );
                    return Ok(Identity {
                        credentials,
                        source: step.name().to_owned(),
                    });
                }
                Outcome::Absent(reason) => tried.push(step.name(), reason, started.elapsed()),
            }
        }
        Err(IdentityError::Nothing(tried))
    }

    /// The identity of the selected profile and of nothing else.
    pub(crate) async fn profile_only(&self) -> Result<Identity, IdentityError> {
        let source = format!("the profile {:?}", self.config.profile());
        self.journal.now(&source);
        let step = Step::Profile;
        let outcome = tokio::time::timeout(step.budget(), self.step(step))
            .await
            .unwrap_or_else(|_| step.timed_out())?;
        match outcome {
            Outcome::Found(credentials) => Ok(Identity {
                credentials,
                source,
            }),
            Outcome::Absent(reason) => Err(IdentityError::failed(
                source,
                ErrorKind::NotConfigured,
                reason,
            )),
        }
    }

    async fn step(&self, step: Step) -> Result<Outcome, IdentityError> {
        match step {
            Step::Keys => Ok(keys::step(self.env)),
            Step::WebIdentity => web_identity::step(self).await,
            Step::Profile => profile::step(self).await,
            Step::Container => container::Container::new(self.env, self.sdk).step().await,
            Step::Metadata => metadata::step(self).await,
        }
    }
}

/// Which source of the chain will be asked, by what is configured and without asking it, and whom it
/// stands for: text without secrets that is the same for every session of the same identity.
pub(crate) fn configured_source(env: &Env, config: &SharedConfig) -> String {
    if let Some(key) = keys::key_id(env) {
        return format!("keys {key}");
    }
    if let Some(file) = env.get(web_identity::TOKEN_FILE) {
        let role = env.get(web_identity::ROLE).unwrap_or_default();
        return format!("web identity {role} {}", holder(file));
    }
    if config.has_credentials() {
        return format!("profile {}", config.identity_parts());
    }
    if let Some(agent) = container::holder(env) {
        return format!("container {agent}");
    }
    format!("metadata {}", Metadata::address(config))
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Keys,
    WebIdentity,
    Profile,
    Container,
    Metadata,
}

impl Step {
    fn name(self) -> &'static str {
        match self {
            Self::Keys => "environment keys",
            Self::WebIdentity => "web identity",
            Self::Profile => "profile",
            Self::Container => "container credentials",
            Self::Metadata => "instance metadata",
        }
    }

    /// How long a source may take. A profile may sign in elsewhere or run a program.
    fn budget(self) -> Duration {
        Duration::from_secs(match self {
            Self::Profile => 30,
            Self::Metadata => 6,
            _ => 20,
        })
    }

    fn timed_out(self) -> Result<Outcome, IdentityError> {
        let text = format!("no answer within {} s", self.budget().as_secs());
        match self {
            Self::Metadata => Ok(Outcome::Absent(text)),
            _ => Err(IdentityError::failed(
                self.name(),
                ErrorKind::Unreachable,
                text,
            )),
        }
    }
}

impl Tried {
    fn push(&mut self, name: &'static str, reason: String, took: Duration) {
        let reason = if took >= Duration::from_millis(50) {
            format!("{reason}, {:.1} s", took.as_secs_f32())
        } else {
            reason
        };
        tracing::debug!("no AWS identity from {name}: {reason}");
        self.0.push((name, reason));
    }
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (name, reason)) in self.0.iter().enumerate() {
            let separator = if n == 0 { "" } else { "; " };
            write!(f, "{separator}{name} ({reason})")?;
        }
        Ok(())
    }
}

/// The order of `resolveCredentialChain` in aws-sdk-go-v2 `config`.
const STEPS: &[Step] = &[
    Step::Keys,
    Step::WebIdentity,
    Step::Profile,
    Step::Container,
    Step::Metadata,
];

#[cfg(test)]
mod tests;
