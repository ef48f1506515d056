//! The errors that every provider has.

use std::io;
use std::path::Path;

use regcred_core::{ErrorKind, ProviderError, RegistryHost};
use regcred_http::HttpError;

/// Makes the errors of one provider.
#[derive(Clone, Copy, Debug)]
pub struct Errors {
    pub(crate) provider: &'static str,
}

impl Errors {
    /// The errors of the provider with this name.
    #[must_use]
    pub const fn of(provider: &'static str) -> Self {
        Self { provider }
    }

    /// An error of any kind.
    #[must_use]
    pub fn of_kind(self, kind: ErrorKind, message: impl Into<String>) -> ProviderError {
        ProviderError::new(self.provider, kind, message)
    }

    /// A wrong or missing option, variable or file.
    #[must_use]
    pub fn misconfigured(self, message: impl Into<String>) -> ProviderError {
        self.of_kind(ErrorKind::NotConfigured, message)
    }

    /// A file that an option names and that cannot be read; `what` names what it holds.
    #[must_use]
    pub fn unreadable(self, what: &str, path: &Path, cause: io::Error) -> ProviderError {
        let message = format!("cannot read {what} {}", path.display());
        self.misconfigured(message).with_source(cause)
    }

    /// No identity for the request.
    #[must_use]
    pub fn no_identity(self, message: impl Into<String>) -> ProviderError {
        self.of_kind(ErrorKind::IdentityUnavailable, message)
    }

    /// A response that does not have the documented form.
    #[must_use]
    pub fn malformed(self, message: impl Into<String>) -> ProviderError {
        self.of_kind(ErrorKind::Malformed, message)
    }

    /// A failed call: the message names it, the cause has the status and the API's own code, and what to
    /// do comes after that.
    #[must_use]
    pub fn call_failed(self, message: impl Into<String>, cause: HttpError) -> ProviderError {
        let is_answered = cause.status().is_some() || cause.kind() == ErrorKind::Malformed;
        let usual = || usual_step(cause.kind()).filter(|_| is_answered);
        let step = cause.next_step().or_else(usual).map(str::to_owned);
        self.of_kind(cause.kind(), message)
            .with_next_step(step)
            .with_source(cause)
    }

    /// The refusal of a registry that is not one of the cloud's; `title` is the title of the
    /// provider's [`ProviderSpec`](regcred_core::ProviderSpec).
    #[must_use]
    pub fn not_served(self, registry: &RegistryHost, title: &str) -> ProviderError {
        let message = format!(
            "{registry} is not a registry of {title}; to serve it anyway, add it with --also-serve"
        );
        self.of_kind(ErrorKind::NotServed, message)
    }
}

/// What to do about an answer of this kind where nothing more precise is known.
pub(crate) fn usual_step(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::Throttled | ErrorKind::Unreachable => Some("try again later"),
        ErrorKind::Malformed => Some(
            "check the server's address, and whether a proxy or a login page answers in its place",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_registry_is_refused_with_the_way_out() {
        let registry = RegistryHost::parse("evil.test:443/x").expect("host");
        let error = Errors::of("gcr").not_served(&registry, "Google Artifact Registry");
        assert_eq!(error.kind(), ErrorKind::NotServed);
        assert_eq!(
            error.to_string(),
            "gcr: evil.test:443 is not a registry of Google Artifact Registry; to serve it anyway, \
             add it with --also-serve"
        );
    }
}
