//! Why a request to a registry failed, in the terms that operators know from docker and containerd.

mod message;

use std::error::Error;
use std::fmt;
use std::time::Duration;

use regcred_core::ErrorKind;
use regcred_http::{HttpError, StatusCode, is_passing_status, kind_of_status};

use super::failed_response::FailedResponse;
use super::object::{Object, Part};
use super::push_refusal;
use crate::image::{Digest, ManifestError};

type Cause = Box<dyn Error + Send + Sync + 'static>;

/// A failed operation on a registry. `Display` is one line; causes are `source()`.
#[derive(Debug)]
pub struct RegistryError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    object: Object,
    reason: Reason,
    source: Option<Cause>,
    /// As [`RegistryError::login_sent`].
    login_sent: Option<bool>,
    /// As [`RegistryError::host_logins`].
    host_logins: Vec<String>,
    /// Whether a server that asks for a login may not get the image's.
    is_withheld: bool,
}

/// What went wrong.
#[derive(Debug)]
pub(crate) enum Reason {
    /// The registry answered with a status that is not a success.
    Status(FailedResponse),
    /// The token server did not return a token.
    TokenServer(TokenRefusal),
    /// None of the offered schemes, of which there is one at least, can be used.
    NoScheme {
        host: String,
        offered: Vec<String>,
        anonymous: bool,
    },
    /// Every server failed: which, and how, in the order in which they were asked.
    Servers(Vec<(String, RegistryError)>),
    /// No answer at all.
    Unreached,
    /// Content with another digest than it was asked for by.
    Digest { actual: Digest },
    /// Content with another size in bytes than in its descriptor.
    Size { expected: u64, actual: u64 },
    /// A manifest that cannot be used.
    Manifest,
    /// An answer that breaks the protocol: how.
    Protocol(String),
    /// A configuration that cannot be used.
    Configuration,
    /// An upload of which the registry reports a number of bytes that it cannot have.
    OutOfStep(u64),
    /// A failure on this side: a phrase.
    Local(String),
}

/// Why a token server returned no token.
#[derive(Clone, Debug)]
pub(crate) struct TokenRefusal {
    /// Without a status: a success, but without a token in it.
    pub(crate) response: FailedResponse,
    pub(crate) anonymous: bool,
}

impl RegistryError {
    pub(crate) fn new(object: &Object, reason: Reason) -> Self {
        Self(Box::new(Inner {
            object: object.clone(),
            reason,
            source: None,
            login_sent: None,
            host_logins: Vec::new(),
            is_withheld: false,
        }))
    }

    pub(crate) fn unreached(object: &Object, error: HttpError) -> Self {
        let reason = if error.leads_inside() {
            Reason::Protocol("refusing an address that a server named".to_owned())
        } else {
            Reason::Unreached
        };
        Self::new(object, reason).caused_by(error)
    }

    pub(crate) fn answered(object: &Object, response: FailedResponse) -> Self {
        Self::new(object, Reason::Status(response))
    }

    pub(crate) fn manifest(object: &Object, error: ManifestError) -> Self {
        Self::new(object, Reason::Manifest).caused_by(error)
    }

    /// A web page where a `manifest` or a `blob` was expected.
    pub(crate) fn web_page(object: &Object, server: &str, expected: &str) -> Self {
        let what = format!(
            "{server} answered with a web page where a {expected} was expected; a login page or a \
             proxy is in front of the registry"
        );
        Self::protocol(object, what)
    }

    pub(crate) fn protocol(object: &Object, what: impl Into<String>) -> Self {
        Self::new(object, Reason::Protocol(what.into()))
    }

    /// A failure on this side of the wire while `reference` was pulled: no image for the platform,
    /// a full disk. `what` is a lower-case phrase.
    pub(crate) fn local(reference: impl fmt::Display, what: impl Into<String>) -> Self {
        let object = Object::pulled(reference.to_string(), Part::Whole);
        Self::new(&object, Reason::Local(what.into()))
    }

    /// One error for all servers that were asked, in their order; the last is the registry. Status and
    /// kind are those of the registry's answer, or of a mirror's if the registry did not answer.
    pub(crate) fn of_servers(object: &Object, mut failures: Vec<(String, Self)>) -> Self {
        if failures.len() == 1
            && let Some((_, error)) = failures.pop()
        {
            return error;
        }
        let sent = failures.iter().map(|(_, error)| error.login_sent()).max();
        let host_logins = failures.iter().flat_map(|(_, error)| error.host_logins());
        let host_logins = host_logins.cloned().collect();
        let error = Self::new(object, Reason::Servers(failures));
        error
            .after_login(sent.flatten())
            .after_host_logins(host_logins)
    }

    /// Adds the cause.
    #[must_use]
    pub(crate) fn caused_by(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Notes which logins of hosts' own went over the wire before this failure.
    #[must_use]
    pub(crate) fn after_host_logins(mut self, sent: Vec<String>) -> Self {
        self.0.host_logins = sent;
        self
    }

    /// Notes whether the image's login went over the wire before this failure.
    #[must_use]
    pub(crate) fn after_login(mut self, sent: Option<bool>) -> Self {
        self.0.login_sent = sent;
        self
    }

    /// Notes whether the image's login was kept from a server that refused the request without one.
    #[must_use]
    pub(crate) fn after_withholding(mut self, is_withheld: bool) -> Self {
        self.0.is_withheld = is_withheld;
        self
    }

    /// Whether no server received the image's login, and one may not get it.
    pub(super) fn is_for_want_of_withheld_login(&self) -> bool {
        self.0.is_withheld && !self.after_sent_login()
    }

    /// What was asked for: `host/path:tag`, `host/path@sha256:...`.
    #[must_use]
    pub fn reference(&self) -> String {
        self.0.object.to_string()
    }

    /// The status of the registry's or the token server's answer.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match &self.leading().0.reason {
            Reason::NoScheme { .. } => Some(StatusCode::UNAUTHORIZED),
            _ => self.response()?.status,
        }
    }

    /// The error codes of the answer as the server wrote them, in the specification or not.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        let response = self.response().into_iter();
        response.flat_map(|response| response.errors.codes())
    }

    /// How long the server asks not to be sent requests.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.response()?.limits.retry_after
    }

    /// What the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        if let Some(status) = self.response().and_then(|response| response.status) {
            return kind_of_status(status);
        }
        match &self.leading().0.reason {
            Reason::NoScheme { .. } => ErrorKind::Denied,
            Reason::Unreached => self.http().map_or(ErrorKind::Unreachable, HttpError::kind),
            Reason::Configuration | Reason::Local(_) => ErrorKind::NotConfigured,
            _ => ErrorKind::Malformed,
        }
    }

    /// Whether the login went over the wire before the request failed: to a server of the registry, or
    /// to its token server. `None` without a login, and for a failure that was not a server's answer.
    #[must_use]
    pub fn login_sent(&self) -> Option<bool> {
        self.0.login_sent
    }

    /// The logins of hosts' own, of a mirror or of the target of a redirect, that went over the wire
    /// before the request failed, each with its host.
    #[must_use]
    pub fn host_logins(&self) -> &[String] {
        &self.0.host_logins
    }

    fn after_sent_login(&self) -> bool {
        self.0.login_sent == Some(true)
    }

    /// Whether another credential might succeed where this one failed. After the login was sent that
    /// is every answer, since registries refuse a login with many a status; before that it is a
    /// refusal (401, 403), a hidden image (404) or a limit (429). Never a failure of the network or of
    /// the content, which no login causes.
    #[must_use]
    pub fn is_curable_by_credential(&self) -> bool {
        let status = self.status().unwrap_or_default();
        match &self.0.reason {
            Reason::Servers(all) => all.iter().any(|(_, one)| one.is_curable_by_credential()),
            Reason::NoScheme { .. } => true,
            // The answer to the login cannot be read.
            Reason::Unreached => self.after_sent_login() && self.kind() == ErrorKind::Malformed,
            _ if self.after_sent_login() => true,
            Reason::Status(_) => matches!(status.as_u16(), 401 | 403 | 404 | 429),
            Reason::TokenServer(_) => status.is_client_error(),
            _ => false,
        }
    }

    /// Whether the credential itself was refused: 401 or 403, 400 in answer to the login, or no token
    /// for it; and the answer does not name another reason, such as a quota.
    #[must_use]
    pub fn credential_refused(&self) -> bool {
        let status = self.status().unwrap_or_default().as_u16();
        let refused = match &self.0.reason {
            // A server that did not receive the login did not refuse it.
            Reason::Servers(all) => {
                let mut received = all.iter().filter(|(_, one)| one.after_sent_login());
                return received.any(|(_, one)| one.credential_refused());
            }
            Reason::Status(_) if self.after_sent_login() => matches!(status, 400 | 401 | 403),
            Reason::Status(_) => matches!(status, 401 | 403),
            Reason::TokenServer(_) => matches!(status, 400 | 401 | 403),
            _ => false,
        };
        refused && !self.names_other_reason()
    }

    /// Why the push was refused and what to do, if another login or another attempt does not cure it.
    pub(crate) fn push_refusal(&self) -> Option<&'static str> {
        let response = self.response()?;
        let is_pushed = self.0.object.is_pushed();
        is_pushed.then(|| push_refusal::reason(response.status, &response.errors))?
    }

    /// Whether a request sent now may succeed where this one failed.
    pub(crate) fn is_passing(&self) -> bool {
        match &self.0.reason {
            Reason::Servers(all) => all.last().is_some_and(|(_, one)| one.is_passing()),
            Reason::Unreached => self.http().is_some_and(HttpError::is_passing),
            Reason::Status(response) => response.status.is_some_and(is_passing_status),
            _ => false,
        }
    }

    /// Whether the registry reports a state of an upload that is not possible.
    pub(crate) fn is_out_of_step(&self) -> bool {
        matches!(self.0.reason, Reason::OutOfStep(_))
    }

    /// Whether a request for a part of a blob may have failed because it was for a part: there was
    /// an answer, and it is not the one that a request for the whole gets as well (a login is
    /// needed, the blob is not found, later).
    pub(crate) fn may_be_about_range(&self) -> bool {
        match &self.0.reason {
            Reason::Status(response) => response.status.is_some_and(|status| {
                !is_passing_status(status) && !matches!(status.as_u16(), 401 | 404)
            }),
            Reason::Protocol(_) | Reason::Size { .. } => true,
            _ => false,
        }
    }

    /// The token server's refusal, if the same request would only repeat it.
    pub(crate) fn lasting_refusal(&self) -> Option<&TokenRefusal> {
        match &self.0.reason {
            Reason::TokenServer(refusal) => {
                let is_passing = refusal.response.status.is_some_and(is_passing_status);
                (!is_passing).then_some(refusal)
            }
            _ => None,
        }
    }

    /// Whether a Bearer challenge does not lead to a token server: its realm is not an address that may be
    /// asked, or is not found there.
    pub(crate) fn is_without_token_server(&self) -> bool {
        match &self.0.reason {
            Reason::Protocol(_) => true,
            Reason::TokenServer(refusal) => {
                let status = refusal.response.status.unwrap_or_default();
                matches!(status.as_u16(), 404 | 405 | 501)
            }
            _ => false,
        }
    }

    /// Whether a server that was asked over https may speak plain http ([`HttpError::wants_plain`]).
    pub(crate) fn wants_plain(&self, has_port: bool) -> bool {
        let error = self.http();
        error.is_some_and(|error| error.wants_plain(has_port))
    }

    /// Whether no connection was made, so that nothing was sent.
    pub(crate) fn is_unconnected(&self) -> bool {
        self.http().is_some_and(HttpError::is_connect)
    }

    /// Whether there was no connection, so that the next request would fail as well.
    pub(crate) fn is_unreachable(&self) -> bool {
        let error = self.http();
        error.is_some_and(|error| error.is_connect() || error.is_timeout())
    }

    /// Whether the answer names another reason than the credential, such as a quota.
    pub(super) fn names_other_reason(&self) -> bool {
        self.response().is_some_and(|r| r.errors.advice().is_some())
            || self.push_refusal().is_some()
    }

    pub(super) fn leading_reason(&self) -> &Reason {
        &self.leading().0.reason
    }

    /// The failure that decides status and kind.
    fn leading(&self) -> &Self {
        let Reason::Servers(all) = &self.0.reason else {
            return self;
        };
        let answered = |(_, one): &&(String, Self)| one.status().is_some();
        let registry = all.last().filter(answered);
        let leading = registry
            .or_else(|| all.iter().find(answered))
            .or(all.last());
        leading.map_or(self, |(_, error)| error)
    }

    fn response(&self) -> Option<&FailedResponse> {
        match &self.leading().0.reason {
            Reason::Status(response) => Some(response),
            Reason::TokenServer(refusal) => Some(&refusal.response),
            _ => None,
        }
    }

    pub(super) fn http(&self) -> Option<&HttpError> {
        self.leading().0.source.as_deref()?.downcast_ref()
    }
}

impl Error for RegistryError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_deref().map(|e| e as _)
    }
}

#[cfg(test)]
mod tests;
