//! Why an HTTP exchange failed, without ever showing a query, a header or a body.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use http::{Method, StatusCode};
use regcred_core::ErrorKind;
use url::Url;

use crate::cause::{Cause, Failure};
use crate::retry::is_passing_status;
use crate::tls::IdentityError;
use crate::{ErrorFields, plain};

/// A failed exchange. `Display` names the method, scheme, host and path (never query or user
/// information) and what went wrong there; the cause is `source()`.
#[derive(Debug)]
pub struct HttpError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    what: Option<String>,
    target: Option<Target>,
    reason: Reason,
}

/// What a message may show of a request.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    method: Method,
    place: String,
}

impl Target {
    pub(crate) fn new(method: &Method, url: &Url) -> Self {
        let origin = url.origin().ascii_serialization();
        // The path may be a server's own words: where it redirects to.
        let place = format!("{origin}{}", url.path());
        Self {
            method: method.clone(),
            place: plain(&place, LONGEST_PLACE),
        }
    }
}

/// What went wrong.
#[derive(Debug)]
pub(crate) enum Reason {
    Url,
    Header(String),
    Cleartext,
    Proxy(&'static str),
    Identity(IdentityError),
    Setup(reqwest::Error),
    Failed(Cause),
    Idle(Duration),
    Deadline(Duration),
    TooLarge(usize),
    NotJson { line: usize, column: usize },
    NotText,
    Status(StatusCode, ErrorFields),
}

impl HttpError {
    pub(crate) fn new(target: &Target, reason: Reason) -> Self {
        Self(Box::new(Inner {
            what: None,
            target: Some(target.clone()),
            reason,
        }))
    }

    /// A failure before there was a request to name.
    pub(crate) fn early(reason: Reason) -> Self {
        Self(Box::new(Inner {
            what: None,
            target: None,
            reason,
        }))
    }

    /// Adds a phrase in front: what the request was for.
    #[must_use]
    pub fn context(mut self, what: impl Into<String>) -> Self {
        self.0.what = Some(what.into());
        self
    }

    /// What the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match &self.0.reason {
            Reason::Url
            | Reason::Header(_)
            | Reason::Cleartext
            | Reason::Proxy(_)
            | Reason::Identity(_)
            | Reason::Setup(_) => ErrorKind::NotConfigured,
            Reason::Failed(cause) if cause.what == Failure::Roots => ErrorKind::NotConfigured,
            Reason::Failed(_) | Reason::Idle(_) | Reason::Deadline(_) => ErrorKind::Unreachable,
            Reason::TooLarge(_) | Reason::NotJson { .. } | Reason::NotText => ErrorKind::Malformed,
            Reason::Status(status, _) => kind_of_status(*status),
        }
    }

    /// The response's status, when that is the failure.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match &self.0.reason {
            Reason::Status(status, _) => Some(*status),
            _ => None,
        }
    }

    /// The error code in the response's JSON body (`error`, `code` and the like), at most 200
    /// characters.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match &self.0.reason {
            Reason::Status(_, fields) => fields.code(),
            _ => None,
        }
    }

    /// The error message in the response's JSON body (`error_description`, `message` and the like), at
    /// most 200 characters.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        match &self.0.reason {
            Reason::Status(_, fields) => fields.message(),
            _ => None,
        }
    }

    /// Whether there is no response because of a time-out: of connecting, of an idle connection or of
    /// the request's own deadline.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        match &self.0.reason {
            Reason::Idle(_) | Reason::Deadline(_) => true,
            Reason::Failed(cause) => cause.what == Failure::ConnectTimeout,
            _ => false,
        }
    }

    /// Whether the server could not be reached at all: name resolution, connecting, TLS.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        match &self.0.reason {
            Reason::Failed(cause) => !matches!(cause.what, Failure::Broken | Failure::NotHttp),
            _ => false,
        }
    }

    /// Whether the response was not HTTP; a server that expects TLS responds so.
    #[must_use]
    pub fn is_not_http(&self) -> bool {
        matches!(&self.0.reason, Reason::Failed(cause) if cause.what == Failure::NotHttp)
    }

    /// Whether the same request may succeed a little later: connections that broke or were not
    /// made, time-outs, and the statuses that say so.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match &self.0.reason {
            Reason::Failed(cause) => cause.is_passing(),
            Reason::Idle(_) => true,
            Reason::Status(status, _) => is_passing_status(*status),
            _ => false,
        }
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(what) = &self.0.what {
            write!(f, "{what}: ")?;
        }
        if let Some(Target { method, place }) = &self.0.target {
            write!(f, "{method} {place}: ")?;
        }
        match &self.0.reason {
            Reason::Url => f.write_str("the address is not an http or https URL"),
            Reason::Header(name) => write!(f, "the value of header {name} cannot be sent"),
            Reason::Cleartext => {
                f.write_str("refusing to send a secret over plain http; name an https address")
            }
            Reason::Proxy(name) => {
                write!(
                    f,
                    "the proxy in {name} is not an http:// or https:// address"
                )
            }
            Reason::Identity(_) | Reason::Setup(_) => f.write_str("cannot make an HTTP client"),
            Reason::Failed(cause) => f.write_str(match cause.what {
                Failure::Dns => "cannot resolve the host's name",
                Failure::Connect => "cannot connect",
                Failure::ConnectTimeout => "connecting took too long",
                Failure::Tls => "TLS failed",
                Failure::Trust => "the server's certificate is not trusted",
                Failure::Roots => "no certificate can be verified",
                Failure::Broken => "the connection broke",
                Failure::NotHttp => "the response is not HTTP; the server may expect https",
            }),
            Reason::Idle(time) => write!(f, "nothing was received for {time:?}"),
            Reason::Deadline(time) => write!(f, "not done within {time:?}"),
            Reason::TooLarge(limit) => write!(f, "the response is longer than {limit} bytes"),
            Reason::NotJson { line, column } => write!(
                f,
                "the response is not the expected JSON (line {line}, column {column})"
            ),
            Reason::NotText => f.write_str("the response is not UTF-8 text"),
            Reason::Status(status, fields) => {
                write!(f, "answered {status}")?;
                if fields.is_empty() {
                    return Ok(());
                }
                write!(f, ": {fields}")
            }
        }
    }
}

impl Error for HttpError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0.reason {
            Reason::Identity(error) => Some(error),
            Reason::Setup(error) => Some(error),
            Reason::Failed(cause) => Some(cause),
            _ => None,
        }
    }
}

/// What the caller can do about a response with an unwanted status.
#[must_use]
pub fn kind_of_status(status: StatusCode) -> ErrorKind {
    match status.as_u16() {
        429 => ErrorKind::Throttled,
        408 | 425 | 500.. => ErrorKind::Unreachable,
        400..=499 => ErrorKind::Denied,
        _ => ErrorKind::Malformed,
    }
}

const LONGEST_PLACE: usize = 300;
