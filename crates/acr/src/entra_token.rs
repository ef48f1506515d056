//! What a source of Entra tokens is asked for, and how it fails.

use regcred_cloud::TokenCall;
use regcred_core::{ErrorKind, ProviderError, plain};
use regcred_http::{HttpError, Response, StatusCode};
use serde::de::DeserializeOwned;

use crate::aadsts;
use crate::settings::Cloud;

/// A request for an Entra token.
#[derive(Clone, Copy)]
pub(crate) struct TokenRequest<'a> {
    pub(crate) cloud: &'a Cloud,
    /// Entra ID's base URL, without a final slash.
    pub(crate) authority: &'a str,
    /// The service that the token is for.
    pub(crate) audience: &'a str,
    /// The identity, for messages.
    pub(crate) identity: &'a str,
}

/// Why an identity has no Entra token.
#[derive(Debug)]
pub(crate) struct TokenError {
    pub(crate) error: ProviderError,
    /// Whether the cloud does not know the audience of the request; it may know another.
    pub(crate) is_unknown_audience: bool,
}

impl TokenError {
    /// The failure of a call through the library: a response without a token if it has no cause.
    pub(crate) fn of(asked: &TokenCall, cause: Option<HttpError>) -> Self {
        match cause {
            Some(cause) => Self::failed(asked, cause),
            None => asked
                .answered(ErrorKind::Malformed, "its response has no access token")
                .into(),
        }
    }

    /// A failed call, with advice where the response has one of Entra ID's codes.
    pub(crate) fn failed(asked: &TokenCall, cause: HttpError) -> Self {
        let number = cause.message().and_then(aadsts::number);
        let step = number.and_then(aadsts::advice).map(str::to_owned);
        Self {
            error: asked.failed(cause).with_next_step(step),
            is_unknown_audience: number.is_some_and(aadsts::is_unknown_audience),
        }
    }
}

impl From<ProviderError> for TokenError {
    fn from(error: ProviderError) -> Self {
        Self {
            error,
            is_unknown_audience: false,
        }
    }
}

/// The body of a token endpoint's response, as JSON.
///
/// # Errors
/// [`status_error`] for any other status than 200, and when the body has another form.
pub(crate) async fn read<T: DeserializeOwned>(response: Response) -> Result<T, HttpError> {
    if response.status() == StatusCode::OK {
        response.json(LIMIT).await
    } else {
        Err(status_error(response).await)
    }
}

/// The error for an unwanted status, with the id under which Azure's support finds the request.
pub(crate) async fn status_error(response: Response) -> HttpError {
    let headers = response.headers();
    let id = headers
        .get("x-ms-correlation-request-id")
        .or_else(|| headers.get("x-ms-request-id"))
        .and_then(|id| id.to_str().ok())
        .map(|id| format!(" (correlation id {})", plain(id, 64)));
    let what = format!("token request{}", id.unwrap_or_default());
    response.into_error(&what).await
}

/// The longest response of a token endpoint, in bytes.
pub(crate) const LIMIT: usize = 1 << 20;
