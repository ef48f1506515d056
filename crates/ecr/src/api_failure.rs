//! What a failed AWS call means: the class by error code first, by status second (ECR throttles
//! with HTTP 400), and a bounded text of known fields.

use std::error::Error;

use aws_config::imds::client::error::ImdsError;
use aws_runtime::retries::classifiers::{THROTTLING_ERRORS, TRANSIENT_ERRORS};
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::ErrorKind as RetryKind;
use aws_types::request_id::RequestId;
use regcred_core::{ErrorKind, ProviderError, plain};
use regcred_http::HttpError;

use crate::ERRORS;

/// A failed call to an AWS API. `Display` holds the service's code and message, bounded, or what
/// kept the call from being made; never a body.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub(crate) struct ApiFailure {
    pub(crate) kind: ErrorKind,
    code: Option<String>,
    text: String,
    /// What a person can do about it, if the failure shows it.
    advice: Option<&'static str>,
}

impl ApiFailure {
    /// Reads the SDK's error.
    pub(crate) fn from_sdk<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        match error {
            SdkError::ServiceError(_) | SdkError::ResponseError(_) => {
                let status = error.raw_response().map_or(0, |raw| raw.status().as_u16());
                if (200..300).contains(&status) {
                    return Self::malformed("the response cannot be read");
                }
                let meta = error.as_service_error().map(ProvideErrorMetadata::meta);
                let code = meta.and_then(|meta| meta.code());
                let message = meta.and_then(|meta| meta.message());
                Self::response(code, message, status, meta.and_then(RequestId::request_id))
            }
            SdkError::TimeoutError(_) => Self::no_response(
                ErrorKind::Unreachable,
                "no response within the time allowed",
            ),
            SdkError::DispatchFailure(failure) => {
                let cause = failure.as_connector_error();
                let text = cause.map_or_else(|| "no connection".to_owned(), |e| causes(e));
                let http = cause.and_then(|e| in_chain::<HttpError>(e));
                let kind = http.map_or(ErrorKind::Unreachable, HttpError::kind);
                let failed = Self::no_response(kind, text);
                Self {
                    advice: http.and_then(HttpError::next_step).or(failed.advice),
                    ..failed
                }
            }
            other => Self::new(ErrorKind::NotConfigured, causes(other)),
        }
    }

    /// A response without a part that it must have.
    pub(crate) fn malformed(text: &str) -> Self {
        Self::new(ErrorKind::Malformed, text)
    }

    /// Whether the service's error code is one of these.
    pub(crate) fn has_code(&self, codes: &[&str]) -> bool {
        let code = self.code.as_deref();
        code.is_some_and(|code| codes.contains(&code))
    }

    /// The provider's error: what failed, with this as the cause, and at the end what to do about it,
    /// which is `usual` where the failure itself does not show it.
    pub(crate) fn into_error(self, text: String, usual: Option<&str>) -> ProviderError {
        let by_kind = match self.kind {
            ErrorKind::Throttled | ErrorKind::Unreachable => Some("try again later"),
            ErrorKind::Malformed => Some(CHECK_ADDRESS),
            _ => None,
        };
        let step = self.advice.or(usual).or(by_kind).map(str::to_owned);
        ERRORS
            .of_kind(self.kind, text)
            .with_next_step(step)
            .with_source(self)
    }

    fn response(
        code: Option<&str>,
        message: Option<&str>,
        status: u16,
        request: Option<&str>,
    ) -> Self {
        let mut text = match (code, message) {
            (Some(code), Some(message)) => format!("{}: {}", shown(code), shown(message)),
            (Some(code), None) => format!("{} (HTTP {status})", shown(code)),
            (None, Some(message)) => format!("HTTP {status}: {}", shown(message)),
            (None, None) => format!("HTTP {status}"),
        };
        if let Some(request) = request {
            text.push_str(&format!(" (request {})", shown(request)));
        }
        Self {
            code: code.map(str::to_owned),
            advice: code.and_then(advice),
            ..Self::new(classify(code, status), text)
        }
    }

    fn no_response(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self {
            advice: (kind == ErrorKind::Unreachable).then_some(CHECK_ROUTE),
            ..Self::new(kind, text)
        }
    }

    fn new(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            code: None,
            text: text.into(),
            advice: None,
        }
    }
}

/// Retries HTTP 429, which the SDK's own classifiers leave alone.
#[derive(Debug)]
pub(crate) struct RetryTooManyRequests;

impl ClassifyRetry for RetryTooManyRequests {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        match context.response() {
            Some(response) if response.status().as_u16() == 429 => {
                RetryAction::retryable_error(RetryKind::ThrottlingError)
            }
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "HTTP 429"
    }
}

/// The first error of a type in an SDK error chain.
pub(crate) fn in_chain<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut chain = std::iter::successors(Some(error), |&error| error.source());
    chain.find_map(|error| error.downcast_ref())
}

/// The texts of an SDK error chain without those of its wrappers, joined and bounded. Never a body.
pub(crate) fn causes(error: &(dyn Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(ImdsError::ErrorResponse(response)) = error.downcast_ref() {
            // Its Display prints the whole response.
            parts.push(format!("HTTP {}", response.response().status().as_u16()));
            break;
        }
        let text = error.to_string();
        if !WRAPPERS.contains(&text.as_str()) && !parts.contains(&text) {
            parts.push(text);
        }
        next = error.source();
    }
    plain(&parts.join(": "), MAX_CAUSES)
}

/// What a person can do about an error code of a service.
fn advice(code: &str) -> Option<&'static str> {
    Some(match code {
        code if UNKNOWN_KEYS.contains(&code) => {
            "check that the keys belong to this partition and are active, and that the clock is right"
        }
        code if EXPIRED.contains(&code) => "renew the session that the credentials come from",
        "UnsupportedCommandException" => "this region has no ECR Public API",
        "RegionDisabledException" => "activate the region for STS in the account of the role",
        "InvalidIdentityToken" => {
            "the role's trust policy must name the cluster's OIDC provider and this token's audience"
        }
        _ => return None,
    })
}

fn shown(text: &str) -> String {
    plain(text, MAX_TEXT)
}

fn classify(code: Option<&str>, status: u16) -> ErrorKind {
    match code {
        Some(code) if THROTTLING_ERRORS.contains(&code) => ErrorKind::Throttled,
        Some(code) if TRANSIENT_ERRORS.contains(&code) => ErrorKind::Unreachable,
        Some(code) if SERVER_ERRORS.contains(&code) => ErrorKind::Unreachable,
        Some("InvalidParameterException" | "UnsupportedCommandException") => {
            ErrorKind::NotConfigured
        }
        _ if status == 429 => ErrorKind::Throttled,
        _ if status >= 500 || status == 408 => ErrorKind::Unreachable,
        // AWS names its refusals; without a name, this is not the API, or not its path.
        None if !matches!(status, 401 | 403) => ErrorKind::Malformed,
        _ => ErrorKind::Denied,
    }
}

const CHECK_ROUTE: &str =
    "check the route to it: a NAT gateway, an interface endpoint, or a proxy in HTTPS_PROXY";
const CHECK_ADDRESS: &str =
    "check the endpoint's address, and whether a proxy or a login page answers in its place";
const MAX_TEXT: usize = 200;
const MAX_CAUSES: usize = 300;

/// What the SDK's wrappers add to their causes: nothing.
const WRAPPERS: &[&str] = &[
    "an error occurred while loading credentials",
    "the credential provider was not enabled",
    "the credentials provider was not properly configured",
    "unexpected credentials error",
    "service error",
    "dispatch failure",
    "client error",
    "client error (Connect)",
    "failed to construct request",
    "could not communicate with IMDS",
    "io error",
    "user error",
    "timeout",
    "other",
];

/// The service's own failures, which it may send with HTTP 400.
const SERVER_ERRORS: &[&str] = &[
    "ServerException",
    "InternalFailure",
    "InternalServerError",
    "ServiceUnavailable",
    "IDPCommunicationError",
];

/// The session that signed the call has ended.
pub(crate) const EXPIRED: &[&str] = &["ExpiredToken", "ExpiredTokenException"];

/// The identity may not make the call.
pub(crate) const DENIED: &[&str] = &["AccessDenied", "AccessDeniedException"];

/// Codes for keys that the service does not know; with the last one the keys are missing.
pub(crate) const UNKNOWN_KEYS: &[&str] = &[
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidClientTokenId",
    "MissingAuthenticationTokenException",
];

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use regcred_core::report;

    use super::*;

    #[test]
    fn the_code_decides_before_the_status() {
        for (code, status, kind) in [
            (Some("ThrottlingException"), 400, ErrorKind::Throttled),
            (Some("RequestLimitExceeded"), 400, ErrorKind::Throttled),
            (Some("ServerException"), 400, ErrorKind::Unreachable),
            (Some("AccessDeniedException"), 400, ErrorKind::Denied),
            (Some("UnrecognizedClientException"), 400, ErrorKind::Denied),
            (
                Some("InvalidParameterException"),
                400,
                ErrorKind::NotConfigured,
            ),
            (Some("SomethingNew"), 503, ErrorKind::Unreachable),
            (None, 429, ErrorKind::Throttled),
            (None, 500, ErrorKind::Unreachable),
            (None, 403, ErrorKind::Denied),
            (None, 404, ErrorKind::Malformed),
        ] {
            assert_eq!(classify(code, status), kind, "{code:?} {status}");
        }
    }

    #[test]
    fn texts_are_bounded_and_on_one_line() {
        let text = shown(&format!("a\n b\u{7}{}", "x".repeat(500)));
        assert!(text.starts_with("a b x"), "{text}");
        assert_eq!(text.chars().count(), MAX_TEXT);
    }

    #[test]
    fn causes_are_shown_without_the_wrappers() {
        let refused = std::io::Error::other("Connection refused");
        let error = ConnectorError::io(refused.into());
        let error = SdkError::<std::io::Error, HttpResponse>::dispatch_failure(error);
        assert_eq!(causes(&error), "Connection refused");
        let long = std::io::Error::other("x".repeat(MAX_CAUSES + 1));
        assert_eq!(causes(&long).len(), MAX_CAUSES);
    }

    #[test]
    fn expired_sessions_and_unknown_keys_come_with_advice() {
        let failure = |code| ApiFailure::response(Some(code), Some("m"), 400, Some("r1"));
        assert!(failure("ExpiredTokenException").has_code(EXPIRED));
        assert!(failure("UnrecognizedClientException").advice.is_some());
        assert!(failure("AccessDeniedException").advice.is_none());
        assert_eq!(failure("X").to_string(), "X: m (request r1)");
        let error = failure("X").into_error("no token".to_owned(), Some("ask again"));
        assert_eq!(
            report(&error),
            "ecr: no token: X: m (request r1); ask again"
        );
    }
}
