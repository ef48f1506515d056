//! Short forms of this provider's errors.

use regcred_core::{ErrorKind, ProviderError};
use regcred_http::HttpError;

use crate::NAME;

/// An error of this provider.
pub(crate) fn failure(kind: ErrorKind, message: impl Into<String>) -> ProviderError {
    ProviderError::new(NAME, kind, message)
}

/// A wrong or missing option, variable or file.
pub(crate) fn misconfigured(message: impl Into<String>) -> ProviderError {
    failure(ErrorKind::NotConfigured, message)
}

/// A failed call: the sentence says which, the cause says the status and the API's own reason.
pub(crate) fn call_failed(message: impl Into<String>, cause: HttpError) -> ProviderError {
    failure(cause.kind(), message).with_source(cause)
}
