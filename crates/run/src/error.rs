//! Why a program ends without success, and with which exit code.

use std::error::Error;
use std::fmt;
use std::io;

use regcred_core::{ErrorKind, ProviderError, report};

use crate::exit_code;

/// A failure that ends a program: its cause becomes one line on standard error.
#[derive(Debug)]
pub struct ProgramError {
    exit_code: u8,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

impl ProgramError {
    /// The command line or standard input is wrong.
    pub fn usage(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(exit_code::USAGE, cause)
    }

    /// An option, a variable or a file is missing or wrong.
    pub fn not_configured(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(exit_code::NOT_CONFIGURED, cause)
    }

    /// A failure of a kind, which decides the exit code.
    pub fn of_kind(kind: ErrorKind, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(exit_code::of(kind), cause)
    }

    /// The system refused what every program needs.
    pub(crate) fn system(what: &str, error: &io::Error) -> Self {
        Self::new(exit_code::BUG, format!("{what}: {error}"))
    }

    /// A failure that the program has already reported; only the exit code remains.
    #[must_use]
    pub fn reported(exit_code: u8) -> Self {
        Self {
            exit_code,
            cause: None,
        }
    }

    /// The same failure with another text, made from the whole text of its cause.
    #[must_use]
    pub fn reworded(self, reword: impl FnOnce(String) -> String) -> Self {
        if self.is_reported() {
            return self;
        }
        Self::new(self.exit_code, reword(report(&self)))
    }

    /// A failure with a code of [`exit_code`].
    pub fn new(exit_code: u8, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            exit_code,
            cause: Some(cause.into()),
        }
    }

    /// The code to exit with.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        self.exit_code
    }

    /// Whether the program has already reported it.
    #[must_use]
    pub fn is_reported(&self) -> bool {
        self.cause.is_none()
    }
}

impl fmt::Display for ProgramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.as_ref().map_or(Ok(()), |cause| cause.fmt(f))
    }
}

impl Error for ProgramError {
    /// The cause itself, whose text this has: a report finds the next step of a provider's error in it.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

impl From<ProviderError> for ProgramError {
    fn from(error: ProviderError) -> Self {
        Self::of_kind(error.kind(), error)
    }
}

#[cfg(test)]
mod tests {
    use regcred_core::ErrorKind;

    use super::*;

    #[test]
    fn the_next_step_of_a_provider_is_reported_last() {
        let cause = io::Error::other("answered 401");
        let error = ProviderError::new("icr", ErrorKind::Denied, "no token").with_source(cause);
        let error = ProgramError::from(error.with_next_step("make a key".to_owned()));
        let line = "icr: no token: answered 401; make a key";
        assert_eq!(report(&error), line);
        let longer = error.reworded(|text| format!("h.io/app: {text}"));
        assert_eq!(report(&longer), format!("h.io/app: {line}"));
        assert_eq!(report(&ProgramError::usage("no image")), "no image");
    }
}
