//! Why a source of an AWS identity has no credentials.

use std::error::Error;

use regcred_core::{ErrorKind, ProviderError};

use crate::ERRORS;

/// Why a source has no credentials.
#[derive(Debug)]
pub(crate) enum NoCredentials {
    /// It is not configured, or the instance has none; with the reason.
    Absent(String),
    /// It is configured, or was named, and failed.
    Failed(ProviderError),
}

impl NoCredentials {
    pub(super) fn failed(
        source: &str,
        kind: ErrorKind,
        cause: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        let error = ERRORS.of_kind(kind, format!("no AWS identity from {source}"));
        Self::Failed(error.with_source(cause))
    }

    /// Adds what to do about a failure; `None` changes nothing.
    pub(super) fn with_next_step(self, step: Option<&str>) -> Self {
        match self {
            Self::Failed(error) => Self::Failed(error.with_next_step(step.map(str::to_owned))),
            absent @ Self::Absent(_) => absent,
        }
    }

    /// The same for a source that an option or a profile names: its absence is a failure.
    pub(super) fn required(self, source: &str) -> Self {
        match self {
            Self::Absent(reason) => Self::failed(source, ErrorKind::NotConfigured, reason),
            failed @ Self::Failed(_) => failed,
        }
    }
}

impl From<ProviderError> for NoCredentials {
    fn from(error: ProviderError) -> Self {
        Self::Failed(error)
    }
}

impl From<NoCredentials> for ProviderError {
    fn from(error: NoCredentials) -> Self {
        match error {
            NoCredentials::Absent(reason) => {
                ERRORS.no_identity(format!("no AWS identity: {reason}"))
            }
            NoCredentials::Failed(error) => error,
        }
    }
}
