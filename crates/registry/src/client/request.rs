//! One request, the same for each server that may answer it.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use regcred_http::{Body, Method, Request};

use super::address::NamedAddress;
use super::object::Object;

/// What is asked. The object's capability decides which servers are asked, and with which scope.
pub(crate) struct RegistryRequest<'a> {
    pub(crate) object: &'a Object,
    pub(crate) method: Method,
    pub(crate) target: Target,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Body,
    /// Another repository (its path) that the request reads from: the source of a mount.
    pub(crate) source: Option<&'a str>,
    /// Whether the answer is small, and so has a deadline.
    pub(crate) is_small: bool,
    /// Whether the caller does without it if it fails: it is sent once, to the server that has the object.
    pub(crate) is_extra: bool,
}

/// Where a request is sent.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// The API's base, `/v2/`: it answers whoever may log in.
    Base,
    /// After the repository's path: `manifests/latest`.
    Path(String),
    /// The `Location` of an upload.
    Location(NamedAddress),
}

impl<'a> RegistryRequest<'a> {
    /// A request with a small answer and without headers.
    pub(crate) fn new(object: &'a Object, method: Method, path: String) -> Self {
        Self::small(object, method, Target::Path(path))
    }

    /// The request for the API's base.
    pub(crate) fn base(object: &'a Object) -> Self {
        Self::small(object, Method::GET, Target::Base)
    }

    fn small(object: &'a Object, method: Method, target: Target) -> Self {
        Self {
            object,
            method,
            target,
            headers: Vec::new(),
            body: Bytes::new().into(),
            source: None,
            is_small: true,
            is_extra: false,
        }
    }

    /// Whether the request may be sent again when it failed for now. Bytes for an upload may not:
    /// some of them may have arrived.
    pub(crate) fn may_repeat(&self) -> bool {
        let is_upload = matches!(self.target, Target::Location(_)) && self.method != Method::GET;
        !is_upload && !self.is_extra
    }

    pub(crate) fn is_write(&self) -> bool {
        self.method != Method::GET && self.method != Method::HEAD
    }

    /// The request for one address, without anything secret.
    pub(crate) fn to(&self, address: &NamedAddress) -> Request {
        let next = Request::to(self.method.clone(), address.url.clone());
        let mut next = next.named_by(address.by);
        for (name, value) in &self.headers {
            next = next.header(name, value);
        }
        if self.is_write() && self.body.length() == 0 {
            next = next.header("content-length", "0");
        }
        next = next.body(self.body.clone());
        if self.is_small {
            next.timeout(SMALL_ANSWER)
        } else {
            next.without_timeout()
        }
    }
}

/// Method and path after the repository's; the `Location` of an upload is not shown, which may hold a
/// secret.
impl fmt::Display for RegistryRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.target {
            Target::Base => write!(f, "{} /v2/", self.method),
            Target::Path(path) => write!(f, "{} {path}", self.method),
            Target::Location(_) => write!(f, "{} of an upload", self.method),
        }
    }
}

const SMALL_ANSWER: Duration = Duration::from_secs(60);
