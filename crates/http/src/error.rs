//! Why an HTTP exchange failed, without ever showing a query, a header or a body.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use http::StatusCode;
use regcred_core::ErrorKind;

use crate::ErrorFields;
use crate::cause::{Cause, Failure};
use crate::pace::{PACE_TIME, SLOWEST_BODY};
use crate::retry::is_passing_status;
use crate::target::Target;
use crate::tls::IdentityError;

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

/// What went wrong.
#[derive(Debug)]
pub(crate) enum Reason {
    Url,
    Header(String),
    Cleartext,
    Proxy(&'static str),
    /// https to an IPv6 address through a proxy, which reqwest does not connect (its issue 3094).
    TunnelToIpv6,
    Identity(IdentityError),
    Setup(reqwest::Error),
    Failed(Cause),
    Idle(Duration),
    Deadline(Duration),
    /// The body arrives too slowly.
    Slow,
    TooLarge(usize),
    NotJson {
        line: usize,
        column: usize,
    },
    NotText,
    WebPage,
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
            | Reason::TunnelToIpv6
            | Reason::Identity(_)
            | Reason::Setup(_) => ErrorKind::NotConfigured,
            Reason::Failed(cause) if matches!(cause.what, Failure::Roots { .. }) => {
                ErrorKind::NotConfigured
            }
            Reason::Failed(cause) if cause.leads_inside() => ErrorKind::Malformed,
            Reason::Failed(_) | Reason::Idle(_) | Reason::Deadline(_) | Reason::Slow => {
                ErrorKind::Unreachable
            }
            Reason::TooLarge(_) | Reason::NotJson { .. } | Reason::NotText | Reason::WebPage => {
                ErrorKind::Malformed
            }
            Reason::Status(status, fields) if is_elsewhere(*status, fields) => ErrorKind::Malformed,
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

    /// Whether a time-out is the reason that the server did not respond: of connecting, of an idle connection or of
    /// the request's own deadline.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        match &self.0.reason {
            Reason::Idle(_) | Reason::Deadline(_) | Reason::Slow => true,
            Reason::Failed(cause) => matches!(
                cause.what,
                Failure::ConnectTimeout | Failure::ResolveTimeout
            ),
            _ => false,
        }
    }

    /// Whether the server could not be reached at all: name resolution, connecting, a proxy, TLS.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        match &self.0.reason {
            Reason::Failed(cause) => !matches!(cause.what, Failure::Broken | Failure::NotHttp),
            _ => false,
        }
    }

    /// Whether the server does not respond: it was not reached, or did not answer in time. That this machine
    /// can verify no certificate is not the server's silence.
    #[must_use]
    pub fn is_unanswered(&self) -> bool {
        let lacks_roots = || self.kind() == ErrorKind::NotConfigured;
        self.is_timeout() || (self.is_connect() && !lacks_roots())
    }

    /// Whether a server that was asked over https may speak plain http, by containerd's rules: it answered
    /// the handshake in another protocol or not at all; or, where its address has no port, nothing
    /// listens at that of https.
    #[must_use]
    pub fn wants_plain(&self, has_port: bool) -> bool {
        let Reason::Failed(cause) = &self.0.reason else {
            return false;
        };
        match cause.what {
            Failure::NotTls | Failure::ConnectTimeout => !cause.is_at_proxy,
            Failure::Refused => !cause.is_at_proxy && !has_port,
            _ => false,
        }
    }

    /// Whether the server speaks TLS and its certificate is not trusted.
    #[must_use]
    pub fn is_untrusted(&self) -> bool {
        matches!(&self.0.reason, Reason::Failed(cause) if cause.what == Failure::Trust)
    }

    /// Whether the name leads to an address to which the server that named it may not lead.
    #[must_use]
    pub fn leads_inside(&self) -> bool {
        matches!(&self.0.reason, Reason::Failed(cause) if cause.leads_inside())
    }

    /// Whether the same request may succeed a little later: connections that broke or were not
    /// made, time-outs, and the statuses that say so.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match &self.0.reason {
            Reason::Failed(cause) => cause.is_passing(),
            Reason::Idle(_) | Reason::Slow => true,
            Reason::Status(status, _) => is_passing_status(*status),
            _ => false,
        }
    }

    /// What a person can do about a server that was not reached; `None` where the text has it.
    #[must_use]
    pub fn next_step(&self) -> Option<&'static str> {
        match &self.0.reason {
            Reason::Failed(cause) => cause.next_step(),
            Reason::Idle(_) | Reason::Deadline(_) | Reason::Slow => Some("try again later"),
            Reason::TunnelToIpv6 => {
                Some("write the server's name in place of the address, or list it in NO_PROXY")
            }
            _ => None,
        }
    }

    /// The server that was asked, and the proxy on the way to it; `None` before there was a request.
    #[must_use]
    pub fn server(&self) -> Option<String> {
        let target = self.0.target.as_ref()?;
        Some(match &target.proxy {
            Some(proxy) => format!("{} through the proxy {proxy}", target.host()),
            None => target.host(),
        })
    }

    fn names_proxy(&self) -> bool {
        matches!(&self.0.reason, Reason::Failed(cause) if cause.is_at_proxy)
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(what) = &self.0.what {
            write!(f, "{what}: ")?;
        }
        let target = self.0.target.as_ref();
        if let Some(target) = target {
            write!(f, "{} {}", target.method, target.place())?;
            if let Some(proxy) = target.proxy.as_ref().filter(|_| !self.names_proxy()) {
                write!(f, " through the proxy {proxy}")?;
            }
            f.write_str(": ")?;
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
            Reason::TunnelToIpv6 => {
                f.write_str("https to an IPv6 address is not possible through a proxy")
            }
            Reason::Identity(_) | Reason::Setup(_) => f.write_str("cannot make an HTTP client"),
            Reason::Failed(cause) => match target {
                Some(target) => cause.write_step(target, f),
                None => f.write_str("the connection broke"),
            },
            Reason::Idle(time) => write!(f, "nothing was received for {time:?}"),
            Reason::Deadline(time) => write!(f, "not done within {time:?}"),
            Reason::Slow => write!(
                f,
                "less than {SLOWEST_BODY} bytes were received in {PACE_TIME:?}"
            ),
            Reason::TooLarge(limit) => write!(f, "the response is longer than {limit} bytes"),
            Reason::NotJson { line, column } => write!(
                f,
                "the response is not the expected JSON (line {line}, column {column})"
            ),
            Reason::WebPage => f.write_str(
                "the response is a web page where JSON was expected; a login page or a proxy is in \
                 front of the server",
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

/// Whether an answer is not one of the API that was asked: an API names its refusals, and only 401 and 403
/// are refusals without a name. A web page is another server's.
fn is_elsewhere(status: StatusCode, fields: &ErrorFields) -> bool {
    let is_refusal = kind_of_status(status) == ErrorKind::Denied;
    let needs_name = !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    is_refusal && (fields.is_web_page() || (needs_name && fields.code().is_none()))
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
