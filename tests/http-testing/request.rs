//! A request as the server received it.

use bytes::Bytes;
use http::{HeaderMap, Method};

/// A request as it was on the wire.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The method.
    pub method: Method,
    /// The path as sent, still percent-encoded; `host:port` of a `CONNECT`.
    pub path: String,
    /// The query as sent, without the question mark; empty if there was none.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    target: String,
}

impl Seen {
    /// A request without headers and body. Target: `/path?a=b`, or the whole URL as a proxy gets it.
    #[must_use]
    pub fn new(method: Method, target: &str) -> Self {
        let absolute = target
            .split_once("://")
            .filter(|_| !target.starts_with('/'));
        let below = absolute.and_then(|(_, rest)| Some(&rest[rest.find('/')?..]));
        let origin = below.unwrap_or(target);
        let (path, query) = origin.split_once('?').unwrap_or((origin, ""));
        Self {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            target: target.to_owned(),
        }
    }

    /// A header's value as text; `None` if it is absent or not ASCII.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The value of `Authorization`.
    #[must_use]
    pub fn authorization(&self) -> Option<&str> {
        self.header("authorization")
    }

    /// The first line as sent: `GET /path?a=b`, or `GET http://host/path` to a proxy.
    #[must_use]
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }

    /// The path with its query, as sent.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The decoded values of a query parameter, in order.
    #[must_use]
    pub fn params(&self, name: &str) -> Vec<String> {
        let pairs = url::form_urlencoded::parse(self.query.as_bytes());
        let values = pairs.filter(|(key, _)| key == name);
        values.map(|(_, value)| value.into_owned()).collect()
    }

    /// The decoded pairs of a form body.
    #[must_use]
    pub fn form(&self) -> Vec<(String, String)> {
        let pairs = url::form_urlencoded::parse(&self.body);
        pairs.into_owned().collect()
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
