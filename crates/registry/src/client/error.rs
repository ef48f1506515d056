//! Why something could not be had from a registry, in words that operators know from docker and
//! containerd.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use regcred_core::ErrorKind;
use regcred_http::{HttpError, StatusCode, is_passing_status, kind_of_status};

use super::error_body::ServerErrors;
use super::rate_limits::Limits;
use crate::image::{Digest, DocumentError};

type Source = Box<dyn Error + Send + Sync + 'static>;

/// A failed operation on a registry. `Display` is one line; causes are `source()`.
#[derive(Debug)]
pub struct RegistryError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    object: Object,
    reason: Reason,
    source: Option<Source>,
}

/// What was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    /// `host/path`.
    pub(crate) repository: String,
    pub(crate) part: Part,
}

/// The part of a repository.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    Whole,
    /// Tag or digest.
    Manifest(String),
    Blob(Digest),
}

/// What went wrong.
#[derive(Debug)]
pub(crate) enum Reason {
    /// The registry answered with this status.
    Status {
        host: String,
        status: StatusCode,
        errors: ServerErrors,
        limits: Limits,
    },
    /// The token server did not give a token.
    Login(Refusal),
    /// None of the offered schemes can be used.
    NoScheme {
        host: String,
        offered: Vec<String>,
        anonymous: bool,
    },
    /// No answer at all.
    Unreached,
    /// Content that is not what its name says.
    Digest {
        actual: Digest,
    },
    Size {
        expected: u64,
        actual: u64,
    },
    /// A manifest that cannot be used.
    Document,
    /// An answer against the protocol, in words.
    Protocol(String),
    /// A configuration that cannot be used.
    Configuration,
    /// Something on this side, in words.
    Local(String),
}

/// Why a token server gave no token.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    /// `host[:port]` of the token server.
    pub(crate) realm: String,
    /// `None` when it answered well, but without a token.
    pub(crate) status: Option<StatusCode>,
    pub(crate) errors: ServerErrors,
    pub(crate) limits: Limits,
    pub(crate) anonymous: bool,
}

impl RegistryError {
    pub(crate) fn new(object: &Object, reason: Reason) -> Self {
        Self(Box::new(Inner {
            object: object.clone(),
            reason,
            source: None,
        }))
    }

    pub(crate) fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    pub(crate) fn unreached(object: &Object, error: HttpError) -> Self {
        Self::new(object, Reason::Unreached).with_source(error)
    }

    pub(crate) fn document(object: &Object, error: DocumentError) -> Self {
        Self::new(object, Reason::Document).with_source(error)
    }

    pub(crate) fn protocol(object: &Object, what: impl Into<String>) -> Self {
        Self::new(object, Reason::Protocol(what.into()))
    }

    /// A failure on this side of the wire while `reference` was pulled: no image for the platform,
    /// a full disk. `what` is a lower-case phrase.
    pub fn local(reference: impl fmt::Display, what: impl Into<String>) -> Self {
        let object = Object {
            repository: reference.to_string(),
            part: Part::Whole,
        };
        Self::new(&object, Reason::Local(what.into()))
    }

    /// Adds the cause of a [`RegistryError::local`].
    #[must_use]
    pub fn caused_by(self, source: impl Error + Send + Sync + 'static) -> Self {
        self.with_source(source)
    }

    /// What was asked for: `host/path:tag`, `host/path@sha256:...`.
    #[must_use]
    pub fn reference(&self) -> String {
        self.0.object.to_string()
    }

    /// The status of the answer that is the failure, the registry's or the token server's.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match &self.0.reason {
            Reason::Status { status, .. } => Some(*status),
            Reason::Login(refusal) => refusal.status,
            Reason::NoScheme { .. } => Some(StatusCode::UNAUTHORIZED),
            _ => None,
        }
    }

    /// The error codes of the answer as the server wrote them, known to the specification or not.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        let errors = match &self.0.reason {
            Reason::Status { errors, .. } | Reason::Login(Refusal { errors, .. }) => Some(errors),
            _ => None,
        };
        errors.into_iter().flat_map(ServerErrors::codes)
    }

    /// How long the server asked to be left alone.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match &self.0.reason {
            Reason::Status { limits, .. } | Reason::Login(Refusal { limits, .. }) => {
                limits.retry_after
            }
            _ => None,
        }
    }

    /// What the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match &self.0.reason {
            Reason::Status { status, .. }
            | Reason::Login(Refusal {
                status: Some(status),
                ..
            }) => kind_of_status(*status),
            Reason::NoScheme { .. } => ErrorKind::Denied,
            Reason::Unreached => self.http().map_or(ErrorKind::Unreachable, HttpError::kind),
            Reason::Login(_)
            | Reason::Digest { .. }
            | Reason::Size { .. }
            | Reason::Document
            | Reason::Protocol(_) => ErrorKind::Malformed,
            Reason::Configuration | Reason::Local(_) => ErrorKind::NotConfigured,
        }
    }

    /// Whether another credential might succeed where this one failed: the registry or its token
    /// server refused (401, 403), hid the image (404), or counted too many requests (429). Never
    /// for failures of the network or of content.
    #[must_use]
    pub fn is_curable_by_credential(&self) -> bool {
        match &self.0.reason {
            Reason::Status { status, .. } => matches!(status.as_u16(), 401 | 403 | 404 | 429),
            Reason::Login(refusal) => refusal.status.is_some_and(|s| s.is_client_error()),
            Reason::NoScheme { .. } => true,
            _ => false,
        }
    }

    /// Whether the credential itself was refused: 401 or 403, or no token for it; and the answer
    /// does not name another reason, such as a quota.
    #[must_use]
    pub fn credential_refused(&self) -> bool {
        match &self.0.reason {
            Reason::Status { status, errors, .. } => {
                matches!(status.as_u16(), 401 | 403) && errors.advice().is_none()
            }
            Reason::Login(Refusal { status, errors, .. }) => {
                status.is_some_and(|s| matches!(s.as_u16(), 400 | 401 | 403))
                    && errors.advice().is_none()
            }
            _ => false,
        }
    }

    /// Whether a request sent now may succeed where this one failed.
    pub(crate) fn is_passing(&self) -> bool {
        match &self.0.reason {
            Reason::Unreached => self.http().is_some_and(HttpError::is_passing),
            Reason::Status { status, .. } => is_passing_status(*status),
            _ => false,
        }
    }

    /// The token server's refusal, if asking again now would only repeat it.
    pub(crate) fn lasting_refusal(&self) -> Option<&Refusal> {
        match &self.0.reason {
            Reason::Login(refusal) => {
                let passing = refusal.status.is_some_and(is_passing_status);
                (!passing).then_some(refusal)
            }
            _ => None,
        }
    }

    /// Whether plain http met a server that speaks TLS.
    pub(crate) fn says_tls(&self) -> bool {
        match &self.0.reason {
            Reason::Unreached => self.http().is_some_and(HttpError::is_not_http),
            Reason::Status { errors, .. } => errors.wants_https(),
            _ => false,
        }
    }

    /// Whether the server could not be reached, so that asking it for more is a waste of time.
    pub(crate) fn says_unreachable(&self) -> bool {
        let error = self.http();
        error.is_some_and(|error| error.is_connect() || error.is_timeout())
    }

    fn http(&self) -> Option<&HttpError> {
        self.0.source.as_deref()?.downcast_ref()
    }
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { object, reason, .. } = &*self.0;
        match reason {
            Reason::Status {
                host,
                status,
                errors,
                limits,
            } => {
                status_line(f, object, host, *status, errors)?;
                about(*status, limits).fmt(f)
            }
            Reason::Login(Refusal {
                realm,
                status,
                errors,
                limits,
                anonymous,
            }) => {
                let who = match anonymous {
                    true => "an anonymous request",
                    false => "the login",
                };
                write!(f, "failed to authorize {object}: ")?;
                match status {
                    Some(status) => {
                        let word = match status.as_u16() {
                            401 => "unauthorized: ",
                            _ => "",
                        };
                        write!(f, "{word}{realm} answered {status} to {who}")?;
                    }
                    None => write!(f, "{realm} gave no token to {who}")?,
                }
                errors.write_behind(f)?;
                match status {
                    Some(status) => about(*status, limits).fmt(f),
                    None => Ok(()),
                }
            }
            Reason::NoScheme {
                host,
                offered,
                anonymous,
            } => {
                write!(f, "unauthorized: {host} wants a login for {object}")?;
                match (offered.is_empty(), anonymous) {
                    (true, _) => write!(f, " but offers no way to log in"),
                    (_, true) => write!(f, " ({}) and there is no credential", offered.join(", ")),
                    _ => write!(
                        f,
                        ", by a scheme that is not supported ({})",
                        offered.join(", ")
                    ),
                }
            }
            Reason::Unreached => write!(f, "cannot fetch {object}"),
            Reason::Digest { actual } => {
                write!(
                    f,
                    "{object} is not what its digest says: the content has {actual}"
                )
            }
            Reason::Size { expected, actual } => {
                write!(
                    f,
                    "{object} has {actual} bytes where its descriptor says {expected}"
                )
            }
            Reason::Document => write!(f, "cannot use {object}"),
            Reason::Configuration => write!(f, "cannot ask for {object}"),
            Reason::Protocol(what) | Reason::Local(what) => write!(f, "{object}: {what}"),
        }
    }
}

impl Error for RegistryError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_deref().map(|e| e as _)
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let repository = &self.repository;
        match &self.part {
            Part::Whole => f.write_str(repository),
            Part::Manifest(digest) if digest.contains(':') => write!(f, "{repository}@{digest}"),
            Part::Manifest(tag) => write!(f, "{repository}:{tag}"),
            Part::Blob(digest) => write!(f, "blob {digest} of {repository}"),
        }
    }
}

fn status_line(
    f: &mut fmt::Formatter<'_>,
    object: &Object,
    host: &str,
    status: StatusCode,
    errors: &ServerErrors,
) -> fmt::Result {
    let repository = &object.repository;
    match (status.as_u16(), &object.part) {
        (401 | 403, _) => write!(
            f,
            "pull access denied for {repository}, repository does not exist or may require \
             authorization: {host} answered {status}"
        )?,
        (404, Part::Manifest(_)) if errors.is_empty() => {
            return write!(f, "manifest for {object} not found: manifest unknown");
        }
        (404, Part::Manifest(_)) => write!(f, "manifest for {object} not found")?,
        (404, Part::Blob(_)) => write!(f, "{object} not found")?,
        (429, _) => write!(f, "too many requests to {host} for {object}: {status}")?,
        _ => write!(f, "cannot fetch {object}: {host} answered {status}")?,
    }
    errors.write_behind(f)
}

/// The limits, where they are the reason; many registries state them with every answer.
fn about(status: StatusCode, limits: &Limits) -> Limits {
    match status {
        StatusCode::TOO_MANY_REQUESTS => limits.clone(),
        _ => limits.pause_only(),
    }
}

#[cfg(test)]
mod tests;
