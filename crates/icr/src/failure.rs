//! Short forms of this provider's errors, and IAM's refusals put into sentences.

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

/// A failed call: the sentence says which, the cause says the status and the API's own code.
pub(crate) fn call_failed(message: impl Into<String>, cause: HttpError) -> ProviderError {
    failure(cause.kind(), message).with_source(cause)
}

/// What to do about an error code of IAM's token endpoint or the metadata server.
pub(crate) fn advice(code: Option<&str>) -> &'static str {
    match code {
        Some("BXNIM0415E") => "; make a new API key, or correct the one that is configured",
        Some("BXNIM0408E") => "; the refresh token is over, log in again",
        Some("BXNIM0439E") => "; the session is over, log in again",
        Some("BXNIM0513E") => "; the identity may not use this profile or call",
        Some("BXNIM0407E") => {
            "; the token is not accepted: its audience must be iam, its life an hour at most, and \
             the cluster known to IBM"
        }
        Some("profile_not_linked") => "; link the trusted profile to this instance",
        Some("unauthorized") => "; switch the instance's metadata service on",
        _ => "",
    }
}
