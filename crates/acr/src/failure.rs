//! Short forms of this provider's errors, and refusals put into sentences.

use std::error::Error;
use std::fmt;

use regcred_core::{ErrorKind, ProviderError};
use regcred_http::{AnswerFields, HttpError, Response, StatusCode, kind_of_status};

use crate::NAME;
use crate::aadsts;

/// An error of this provider.
pub(crate) fn failure(kind: ErrorKind, message: impl Into<String>) -> ProviderError {
    ProviderError::new(NAME, kind, message)
}

/// A wrong or missing option, variable or file.
pub(crate) fn misconfigured(message: impl Into<String>) -> ProviderError {
    failure(ErrorKind::NotConfigured, message)
}

/// A failed call: the sentence says which, the cause says the status and the server's own code.
pub(crate) fn call_failed(message: impl Into<String>, cause: HttpError) -> ProviderError {
    failure(cause.kind(), message).with_source(cause)
}

/// An answer with an unwanted status: what may be told of it.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    place: String,
    status: StatusCode,
    fields: AnswerFields,
    correlation: Option<String>,
}

impl Refusal {
    /// Reads the known fields of the answer's body.
    pub(crate) async fn read(response: Response) -> Self {
        let url = response.url();
        let correlation = response
            .headers()
            .get("x-ms-correlation-request-id")
            .or_else(|| response.headers().get("x-ms-request-id"))
            .and_then(|value| value.to_str().ok())
            .map(|value| value.chars().take(64).collect());
        Self {
            place: format!("{}{}", url.origin().ascii_serialization(), url.path()),
            status: response.status(),
            correlation,
            fields: response.error_fields().await,
        }
    }

    pub(crate) fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// The server's message, at most 200 characters.
    pub(crate) fn message(&self) -> &str {
        self.fields.message().unwrap_or_default()
    }

    /// The number behind `AADSTS` in Entra's message.
    pub(crate) fn aadsts(&self) -> Option<u32> {
        aadsts::number(self.message())
    }

    /// What the caller can do about it.
    pub(crate) fn kind(&self) -> ErrorKind {
        kind_of_status(self.status)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answered {}", self.place, self.status())?;
        if !self.fields.is_empty() {
            write!(f, ": {}", self.fields)?;
        }
        match &self.correlation {
            Some(id) => write!(f, " (correlation id {id})"),
            None => Ok(()),
        }
    }
}

impl Error for Refusal {}

/// Why an identity gave no Entra token.
#[derive(Debug)]
pub(crate) enum NoToken {
    /// The cloud does not know the audience that was asked for; another may do.
    UnknownAudience(ProviderError),
    /// Anything else.
    Other(ProviderError),
}

impl NoToken {
    /// A refusal by Entra ID, or by a metadata server that asked it.
    pub(crate) fn refused(message: impl Into<String>, refusal: Refusal) -> Self {
        let number = refusal.aadsts();
        let advice = number.and_then(aadsts::advice).unwrap_or_default();
        let kind = refusal.kind();
        let error = failure(kind, format!("{}{advice}", message.into())).with_source(refusal);
        match number {
            Some(number) if aadsts::is_unknown_audience(number) => Self::UnknownAudience(error),
            _ => Self::Other(error),
        }
    }

    pub(crate) fn into_error(self) -> ProviderError {
        match self {
            Self::UnknownAudience(error) | Self::Other(error) => error,
        }
    }
}

impl From<ProviderError> for NoToken {
    fn from(error: ProviderError) -> Self {
        Self::Other(error)
    }
}
