//! What ends a run or keeps one from starting.

use std::error::Error;

use crate::config::ConfigError;
use crate::failure::{PANICKED, REPORT_IT};

/// A run failed as a whole, or could not start: the message says at which step, the source why.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub struct RunError {
    text: String,
    source: Option<Box<dyn Error + Send + Sync>>,
    /// Whether code of ours, or of a library, panicked.
    pub(crate) is_bug: bool,
}

impl From<ConfigError> for RunError {
    fn from(error: ConfigError) -> Self {
        Self::new(error.0)
    }
}

impl RunError {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            source: None,
            is_bug: false,
        }
    }

    /// Something panicked that the run needs.
    pub(crate) fn panicked(what: &str) -> Self {
        Self {
            is_bug: true,
            ..Self::new(format!("{what} ended: {PANICKED}; {REPORT_IT}"))
        }
    }

    /// For `map_err`: the text is of the step that failed.
    pub(crate) fn at<E: Into<Box<dyn Error + Send + Sync>>>(
        text: impl Into<String>,
    ) -> impl FnOnce(E) -> Self {
        |error| Self {
            text: text.into(),
            source: Some(error.into()),
            is_bug: false,
        }
    }
}
