//! A refused call in words for people: what failed, with whose identity, what to do.

use regcred_core::{ErrorKind, ProviderError};

use crate::ERRORS;
use crate::api_failure::ApiFailure;
use crate::endpoint::Endpoint;
use crate::identity::Identity;

/// A role that STS did not give to `by`.
pub(crate) fn not_assumed(role: &str, by: &str, failure: ApiFailure) -> ProviderError {
    let advice = failure.advice().or(match failure.kind() {
        ErrorKind::Denied => Some("check the role's trust policy and that the role exists"),
        _ => None,
    });
    advised(
        format!("failed to assume role: {role} with {by}"),
        advice,
        failure,
    )
}

/// An API that did not issue a token.
pub(crate) fn no_token(api: &Endpoint, identity: &Identity, failure: ApiFailure) -> ProviderError {
    let address = api.address();
    let source = &identity.source;
    let text = match failure.kind() {
        ErrorKind::Denied => format!("the API at {address} refused the identity from {source}"),
        ErrorKind::Throttled => format!("the API at {address} throttles this account"),
        _ => format!("no token from the API at {address} with the identity from {source}"),
    };
    let advice = match failure.code() {
        Some("AccessDeniedException" | "AccessDenied") => {
            Some("allow ecr:GetAuthorizationToken on Resource \"*\"")
        }
        _ => failure.advice(),
    };
    advised(text, advice, failure)
}

fn advised(text: String, advice: Option<&str>, failure: ApiFailure) -> ProviderError {
    let text = match advice {
        Some(advice) => format!("{text} ({advice})"),
        None => text,
    };
    ERRORS.of_kind(failure.kind(), text).with_source(failure)
}
