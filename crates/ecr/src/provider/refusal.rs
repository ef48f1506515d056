//! A failed request in words for people: what failed, with whose identity, what to do.

use regcred_core::{ErrorKind, ProviderError};

use crate::NAME;
use crate::endpoint::{Endpoint, EndpointError};
use crate::failure::ApiFailure;
use crate::identity::{Identity, IdentityError};
use crate::shared_config::SharedConfigError;
use crate::sts::StsFailure;

/// Why there is no identity for this request.
pub(super) enum Refusal {
    /// The ambient chain.
    Ambient(IdentityError),
    /// An identity that somebody named.
    Named(IdentityError),
    /// A role that was not assumed.
    Role {
        role: String,
        by: String,
        source: StsFailure,
    },
}

impl Refusal {
    pub(super) fn role(role: &str, by: &str, source: StsFailure) -> Self {
        Self::Role {
            role: role.to_owned(),
            by: by.to_owned(),
            source,
        }
    }
}

impl From<Refusal> for ProviderError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Ambient(error) | Refusal::Named(error) => {
                Self::new(NAME, error.kind(), "no AWS identity").with_source(error)
            }
            Refusal::Role { role, by, source } => {
                let failure = source.failure();
                let advice = match failure.kind() {
                    ErrorKind::Denied => failure
                        .advice()
                        .unwrap_or("check the role's trust policy and that the role exists"),
                    _ => failure.advice().unwrap_or_default(),
                };
                let kind = failure.kind();
                let text = with_advice(format!("failed to assume role: {role} with {by}"), advice);
                Self::new(NAME, kind, text).with_source(source)
            }
        }
    }
}

impl From<SharedConfigError> for ProviderError {
    fn from(error: SharedConfigError) -> Self {
        let text = "the AWS configuration cannot be used";
        Self::new(NAME, ErrorKind::NotConfigured, text).with_source(error)
    }
}

impl From<EndpointError> for ProviderError {
    fn from(error: EndpointError) -> Self {
        Self::new(NAME, ErrorKind::NotConfigured, "no API endpoint").with_source(error)
    }
}

/// An API that did not give a token.
pub(super) fn refused(api: &Endpoint, identity: &Identity, failure: ApiFailure) -> ProviderError {
    let address = api.address();
    let source = &identity.source;
    let text = match failure.kind() {
        ErrorKind::Denied => format!("the API at {address} refused the identity from {source}"),
        ErrorKind::Throttled => format!("the API at {address} throttles this account"),
        _ => format!("no token from the API at {address} with the identity from {source}"),
    };
    let advice = match failure.code() {
        Some("AccessDeniedException" | "AccessDenied") => {
            "allow ecr:GetAuthorizationToken on Resource \"*\""
        }
        _ => failure.advice().unwrap_or_default(),
    };
    ProviderError::new(NAME, failure.kind(), with_advice(text, advice)).with_source(failure)
}

fn with_advice(text: String, advice: &str) -> String {
    if advice.is_empty() {
        text
    } else {
        format!("{text} ({advice})")
    }
}
