//! A request and what it may cost: secrets, time and repeats.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use regcred_core::{Credentials, SecretText as _, plain};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::body::Body;
use crate::error::{HttpError, Reason};
use crate::network::Network;
use crate::sent_secrets::{know_body, know_header};
use crate::target::Target;
use crate::{Retry, has_user, is_loopback};

/// A request. Mistakes in it are reported when it is sent.
#[derive(Clone)]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) url: Option<Url>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    pub(crate) timeout: Option<Duration>,
    pub(crate) retry: Retry,
    pub(crate) named_by: Option<Network>,
    holds_secret: bool,
    allow_cleartext: bool,
    bad_header: Option<String>,
}

/// The value of a form's field.
#[derive(Clone, Copy, Debug)]
pub enum FormValue<'a> {
    /// A value that may be shown.
    Text(&'a str),
    /// A secret.
    Secret(&'a SecretString),
}

impl Request {
    /// A request with any method.
    #[must_use]
    pub fn new(method: Method, url: &str) -> Self {
        Self::of(method, Url::parse(url).ok())
    }

    /// A request with any method, to an address that was parsed before.
    #[must_use]
    pub fn to(method: Method, url: Url) -> Self {
        Self::of(method, Some(url))
    }

    fn of(method: Method, url: Option<Url>) -> Self {
        Self {
            method,
            url: url.filter(|u| matches!(u.scheme(), "http" | "https") && u.has_host()),
            headers: HeaderMap::new(),
            body: Bytes::new().into(),
            timeout: Some(DEFAULT_TIMEOUT),
            retry: Retry::none(),
            named_by: None,
            holds_secret: false,
            allow_cleartext: false,
            bad_header: None,
        }
    }

    /// A GET request.
    #[must_use]
    pub fn get(url: &str) -> Self {
        Self::new(Method::GET, url)
    }

    /// A HEAD request.
    #[must_use]
    pub fn head(url: &str) -> Self {
        Self::new(Method::HEAD, url)
    }

    /// A POST request.
    #[must_use]
    pub fn post(url: &str) -> Self {
        Self::new(Method::POST, url)
    }

    /// A PUT request.
    #[must_use]
    pub fn put(url: &str) -> Self {
        Self::new(Method::PUT, url)
    }

    /// Adds a header that may be shown.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.insert(name, value, false);
        self
    }

    /// Adds a header with a secret: marked sensitive, and never sent in clear text.
    #[must_use]
    pub fn secret_header(mut self, name: &str, value: &SecretString) -> Self {
        self.insert(name, value.expose_secret(), true);
        self
    }

    /// `Authorization: Basic` (RFC 7617).
    #[must_use]
    pub fn basic(self, credentials: &Credentials) -> Self {
        let value = format!("Basic {}", credentials.to_basic().expose_secret());
        self.secret_header(header::AUTHORIZATION.as_str(), &value.into())
    }

    /// `Authorization: Bearer` (RFC 6750).
    #[must_use]
    pub fn bearer(self, token: &SecretString) -> Self {
        let value = format!("Bearer {}", token.expose_secret());
        self.secret_header(header::AUTHORIZATION.as_str(), &value.into())
    }

    /// Adds pairs to the URL's query, after those that it has.
    #[must_use]
    pub fn query(mut self, pairs: &[(&str, &str)]) -> Self {
        if let Some(url) = &mut self.url
            && !pairs.is_empty()
        {
            url.query_pairs_mut().extend_pairs(pairs);
        }
        self
    }

    /// A form as the body (`application/x-www-form-urlencoded`). Forms are for token endpoints: it is
    /// a [secret body](Request::secret_body).
    #[must_use]
    pub fn form(self, fields: &[(&str, FormValue<'_>)]) -> Self {
        let fields = fields.iter().map(|(name, value)| match value {
            FormValue::Text(text) => (*name, *text),
            FormValue::Secret(secret) => {
                secret.never_shown();
                (*name, secret.expose_secret())
            }
        });
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        self.header(
            header::CONTENT_TYPE.as_str(),
            "application/x-www-form-urlencoded",
        )
        .body(body)
        .secret_body()
    }

    /// JSON as the body. Add [`Request::secret_body`] when a value is secret.
    #[must_use]
    pub fn json(self, value: &serde_json::Value) -> Self {
        self.header(header::CONTENT_TYPE.as_str(), "application/json")
            .body(value.to_string())
    }

    /// Bytes or a stream as the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    /// Marks the body as secret: it is never sent in clear text, and the values in it whose names are those
    /// of secrets are never shown.
    #[must_use]
    pub fn secret_body(mut self) -> Self {
        if let Some(body) = self.body.as_bytes() {
            know_body(body);
        }
        self.holds_secret = true;
        self
    }

    /// The time for everything: connecting, repeats with their pauses, and reading the body.
    /// Defaults to 30 s.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// No limit on the whole, for long downloads. The client's connect and idle time-outs stay,
    /// and the body must bring 16 KiB a minute.
    #[must_use]
    pub fn without_timeout(mut self) -> Self {
        self.timeout = None;
        self
    }

    /// When the request is sent again. Defaults to [`Retry::none`].
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Lets secrets go over plain http to hosts that are not this machine: for metadata servers of
    /// the link, which speak nothing else.
    #[must_use]
    pub fn allow_cleartext(mut self) -> Self {
        self.allow_cleartext = true;
        self
    }

    /// Says that the address is one that a server in this network named, and not one that this side knows:
    /// the name then leads only to addresses that [such a server may name](Network::may_name). A name that
    /// a proxy resolves is the proxy's to judge.
    #[must_use]
    pub fn named_by(mut self, network: Option<Network>) -> Self {
        self.named_by = network;
        self
    }

    fn insert(&mut self, name: &str, value: &str, secret: bool) {
        let parsed = HeaderName::from_bytes(name.as_bytes())
            .ok()
            .zip(HeaderValue::from_str(value).ok());
        match parsed {
            Some((name, mut value)) => {
                value.set_sensitive(secret);
                if secret {
                    know_header(&name, &value);
                }
                self.headers.append(name, value);
            }
            None => self.bad_header = Some(plain(name, 60)),
        }
        self.holds_secret |= secret;
    }

    /// The URL, after everything else was checked.
    pub(crate) fn check(&self) -> Result<&Url, HttpError> {
        let Some(url) = &self.url else {
            return Err(HttpError::early(Reason::Url));
        };
        let fail = |reason| Err(HttpError::new(&Target::new(&self.method, url), reason));
        if let Some(name) = &self.bad_header {
            return fail(Reason::Header(name.clone()));
        }
        let secret = self.holds_secret || has_user(url);
        if secret && url.scheme() == "http" && !self.allow_cleartext && !is_loopback(url) {
            return fail(Reason::Cleartext);
        }
        Ok(url)
    }
}

/// Neither header values nor the body nor the query are shown.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("host", &self.url.as_ref().and_then(Url::host_str))
            .field("path", &self.url.as_ref().map(Url::path))
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
