//! A response whose body is read within limits of size and time.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::ErrorFields;
use crate::cause::{Cause, Route};
use crate::error::{HttpError, Reason};
use crate::network::Network;
use crate::pace::Pace;
use crate::target::Target;
use crate::web_page::is_web_page;

/// A response whose body is still to be read.
pub struct Response {
    inner: reqwest::Response,
    target: Target,
    limits: Limits,
    retry_after: Option<Duration>,
    pace: Pace,
}

/// How long a request may still take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Longest time without a byte.
    pub(crate) idle: Duration,
    /// End of the request's own time, and how long that was.
    pub(crate) deadline: Option<(Instant, Duration)>,
    pub(crate) route: Route,
    /// The network of the server that named the address.
    pub(crate) named_by: Option<Network>,
}

/// The server's address on a connection that this crate made.
#[derive(Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

impl Limits {
    /// Waits for a step of the exchange, until the connection is idle or the time has passed.
    pub(crate) async fn wait<T>(
        &self,
        step: impl Future<Output = Result<T, reqwest::Error>>,
    ) -> Result<T, Reason> {
        let failed = |error| Reason::Failed(Cause::of(error, self.route));
        self.within(step).await?.map_err(failed)
    }

    /// As [`Limits::wait`], for a step with its own failures.
    pub(crate) async fn within<T>(&self, step: impl Future<Output = T>) -> Result<T, Reason> {
        let idle_end = Instant::now() + self.idle;
        let (end, reason) = match self.deadline {
            Some((end, total)) if end <= idle_end => (end, Reason::Deadline(total)),
            _ => (idle_end, Reason::Idle(self.idle)),
        };
        timeout_at(end, step).await.map_err(|_| reason)
    }
}

impl Response {
    pub(crate) fn new(
        inner: reqwest::Response,
        target: Target,
        limits: Limits,
        retry_after: Option<Duration>,
    ) -> Self {
        Self {
            inner,
            target,
            limits,
            retry_after,
            pace: Pace::default(),
        }
    }

    /// The status; redirects are responses like others.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.inner.status()
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.inner.headers()
    }

    /// The URL that was asked.
    #[must_use]
    pub fn url(&self) -> &Url {
        self.inner.url()
    }

    /// The proxy that the request went through: `host:port (VARIABLE)`.
    #[must_use]
    pub fn proxy(&self) -> Option<String> {
        self.target.proxy.as_ref().map(ToString::to_string)
    }

    /// The network of the server; the public internet if a proxy knows its address.
    #[must_use]
    pub fn network(&self) -> Network {
        let own = self.inner.extensions().get::<Peer>().map(|peer| peer.0);
        let address = own.or_else(|| self.inner.remote_addr().map(|address| address.ip()));
        let address = address.filter(|_| self.limits.route == Route::Direct);
        address.map_or(Network::Public, Network::of)
    }

    /// As [`Request::named_by`](crate::Request::named_by) had it.
    #[must_use]
    pub fn named_by(&self) -> Option<Network> {
        self.limits.named_by
    }

    /// The body's length in bytes, if the server announced it.
    #[must_use]
    pub fn content_length(&self) -> Option<u64> {
        self.inner.content_length()
    }

    /// How long the server asks to be left alone (`Retry-After`, as seconds or as a date).
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The response, if its status is a success. `what` is what the request was for.
    ///
    /// # Errors
    /// As [`Response::into_error`] for any other status.
    pub async fn success(self, what: &str) -> Result<Self, HttpError> {
        if self.status().is_success() {
            Ok(self)
        } else {
            Err(self.into_error(what).await)
        }
    }

    /// The next piece of the body, `None` at its end.
    ///
    /// # Errors
    /// When the connection breaks, stays idle, or the request's time has passed; of a request without one,
    /// when less than 16 KiB of the body arrive in a minute.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, HttpError> {
        let began = Instant::now();
        let result = self.limits.wait(self.inner.chunk()).await;
        let result = result.and_then(|chunk| {
            let has_limit = self.limits.deadline.is_some();
            match &chunk {
                Some(bytes)
                    if !has_limit && self.pace.is_too_slow(began.elapsed(), bytes.len()) =>
                {
                    Err(Reason::Slow)
                }
                _ => Ok(chunk),
            }
        });
        result.map_err(|reason| HttpError::new(&self.target, reason))
    }

    /// The whole body.
    ///
    /// # Errors
    /// When it is longer than `limit` bytes, and as [`Response::chunk`].
    pub async fn bytes(mut self, limit: usize) -> Result<Bytes, HttpError> {
        self.read(limit).await
    }

    /// The whole body as text.
    ///
    /// # Errors
    /// When it is not UTF-8, and as [`Response::bytes`].
    pub async fn text(mut self, limit: usize) -> Result<String, HttpError> {
        let body = self.read(limit).await?;
        String::from_utf8(body.into()).map_err(|_| HttpError::new(&self.target, Reason::NotText))
    }

    /// The whole body as JSON.
    ///
    /// # Errors
    /// When it has another form (the text itself is never shown), and as [`Response::bytes`].
    pub async fn json<T: DeserializeOwned>(mut self, limit: usize) -> Result<T, HttpError> {
        let body = self.read(limit).await?;
        serde_json::from_slice(&body).map_err(|error| {
            if is_web_page(self.headers(), &body) {
                return HttpError::new(&self.target, Reason::WebPage);
            }
            let (line, column) = (error.line(), error.column());
            HttpError::new(&self.target, Reason::NotJson { line, column })
        })
    }

    /// The known fields of an error body; nothing when it cannot be read.
    pub async fn error_fields(mut self) -> ErrorFields {
        self.fields().await
    }

    /// Turns a response with an unwanted status into an error. `what` is what the
    /// request was for.
    pub async fn into_error(mut self, what: &str) -> HttpError {
        let fields = self.fields().await;
        let status = self.status();
        HttpError::new(&self.target, Reason::Status(status, fields)).context(what)
    }

    async fn fields(&mut self) -> ErrorFields {
        match self.read(LONGEST_ERROR_BODY).await {
            Ok(body) => ErrorFields::parse(&body),
            Err(_) => ErrorFields::default(),
        }
    }

    async fn read(&mut self, limit: usize) -> Result<Bytes, HttpError> {
        let too_large = || HttpError::new(&self.target, Reason::TooLarge(limit));
        let announced = self.content_length().map(usize::try_from);
        let announced = announced.transpose().map_err(|_| too_large())?;
        if announced.is_some_and(|length| length > limit) {
            return Err(too_large());
        }
        let Some(first) = self.chunk().await? else {
            return Ok(Bytes::new());
        };
        if first.len() > limit {
            return Err(HttpError::new(&self.target, Reason::TooLarge(limit)));
        }
        // Short bodies come in one piece and are not copied.
        if announced == Some(first.len()) {
            return Ok(first);
        }
        let mut body = BytesMut::with_capacity(announced.unwrap_or(first.len()));
        body.extend_from_slice(&first);
        while let Some(piece) = self.chunk().await? {
            if body.len() + piece.len() > limit {
                return Err(HttpError::new(&self.target, Reason::TooLarge(limit)));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body.freeze())
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status())
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

const LONGEST_ERROR_BODY: usize = 64 * 1024;
