//! What a message may show of a request: never a query, user information, a header or a body.

use std::fmt;

use http::Method;
use url::Url;

use crate::proxy::EnvProxy;
use regcred_core::plain;

use crate::host_and_port;

/// A request as a message shows it. Its texts are made when one does: most requests succeed.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) method: Method,
    url: Url,
    /// The proxy that the request goes through.
    pub(crate) proxy: Option<EnvProxy>,
}

impl Target {
    pub(crate) fn new(method: &Method, url: &Url) -> Self {
        Self {
            method: method.clone(),
            url: url.clone(),
            proxy: None,
        }
    }

    /// Scheme, host and path.
    pub(crate) fn place(&self) -> String {
        let origin = self.url.origin().ascii_serialization();
        // The path may be a server's own words: where it redirects to.
        plain(&format!("{origin}{}", self.url.path()), LONGEST_PLACE)
    }

    /// `host`, or `host:port` where the port is not the scheme's.
    pub(crate) fn host(&self) -> String {
        plain(&host_and_port(&self.url), LONGEST_PLACE)
    }
}

/// Without the URL's query and user information.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("method", &self.method)
            .field("place", &self.place())
            .field("proxy", &self.proxy)
            .finish()
    }
}

const LONGEST_PLACE: usize = 300;
