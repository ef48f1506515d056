//! What a message may show of a request: never a query, user information, a header or a body.

use http::Method;
use url::Url;

use crate::proxy::EnvProxy;
use regcred_core::plain;

use crate::host_and_port;

/// A request as a message shows it.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) method: Method,
    /// Scheme, host and path.
    pub(crate) place: String,
    /// `host`, or `host:port` where the port is not the scheme's.
    pub(crate) host: String,
    /// The proxy that the request goes through.
    pub(crate) proxy: Option<EnvProxy>,
}

impl Target {
    pub(crate) fn new(method: &Method, url: &Url) -> Self {
        let origin = url.origin().ascii_serialization();
        // The path may be a server's own words: where it redirects to.
        let place = format!("{origin}{}", url.path());
        Self {
            method: method.clone(),
            place: plain(&place, LONGEST_PLACE),
            host: plain(&host_and_port(url), LONGEST_PLACE),
            proxy: None,
        }
    }
}

const LONGEST_PLACE: usize = 300;
