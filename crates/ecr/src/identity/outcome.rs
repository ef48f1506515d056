//! What a source of an AWS identity comes to.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use regcred_core::{ErrorKind, ProviderError};

use crate::ERRORS;

/// Why a source has no credentials.
#[derive(Debug)]
pub(crate) enum NoCredentials {
    /// It is not configured, or nothing answers there; with the reason.
    Absent(String),
    /// It is configured, or was named, and failed.
    Failed(SourceError),
}

/// A source that failed. The cause says why.
#[derive(Debug, thiserror::Error)]
#[error("{name} failed")]
pub(crate) struct SourceError {
    name: String,
    pub(super) kind: ErrorKind,
    source: Box<dyn Error + Send + Sync>,
}

impl NoCredentials {
    pub(super) fn failed(
        name: impl Into<String>,
        kind: ErrorKind,
        cause: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::Failed(SourceError {
            name: name.into(),
            kind,
            source: cause.into(),
        })
    }

    /// The same for a source that an option or a profile names: that it is absent is a failure.
    pub(super) fn required(self, name: String) -> Self {
        match self {
            Self::Absent(reason) => Self::failed(name, ErrorKind::NotConfigured, reason),
            failed @ Self::Failed(_) => failed,
        }
    }
}

impl From<NoCredentials> for ProviderError {
    fn from(error: NoCredentials) -> Self {
        match error {
            NoCredentials::Absent(reason) => {
                ERRORS.no_identity(format!("no AWS identity: {reason}"))
            }
            NoCredentials::Failed(error) => ERRORS
                .of_kind(error.kind, "no AWS identity")
                .with_source(error),
        }
    }
}

/// The sources that were passed over, each with its reason.
#[derive(Clone, Debug, Default)]
pub(super) struct PassedOver(Vec<(&'static str, String)>);

impl PassedOver {
    pub(super) fn push(&mut self, name: &'static str, reason: String) {
        tracing::debug!("no AWS identity from {name}: {reason}");
        self.0.push((name, reason));
    }

    /// The same for a source that was asked, with the time that it took.
    pub(super) fn asked(mut self, name: &'static str, mut reason: String, took: Duration) -> Self {
        if took >= Duration::from_millis(50) {
            reason.push_str(&format!(", {:.1} s", took.as_secs_f32()));
        }
        self.push(name, reason);
        self
    }
}

impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reasons = self
            .0
            .iter()
            .map(|(name, reason)| format!("{name} ({reason})"));
        let reasons = reasons.collect::<Vec<_>>().join("; ");
        write!(f, "tried in this order: {reasons}")
    }
}
