//! An answer that is not what was asked for.

use std::fmt;

use regcred_http::{Response, StatusCode, header, parse_challenges};

use super::address::host_and_port;
use super::error_body::ServerErrors;
use super::rate_limits::RateLimits;

/// What an error message needs of an answer without success.
#[derive(Clone, Debug, Default)]
pub(crate) struct FailedResponse {
    /// `host[:port]` of the server.
    pub(crate) host: String,
    /// The proxy on the way to it.
    pub(crate) proxy: Option<String>,
    pub(crate) status: Option<StatusCode>,
    /// `host[:port]` of a redirect that was not followed.
    pub(crate) moved_to: Option<String>,
    pub(crate) errors: ServerErrors,
    pub(crate) limits: RateLimits,
    /// Why a 401 asks for no login.
    pub(crate) unchallenged: Option<&'static str>,
}

impl FailedResponse {
    /// The server, with the proxy on the way to it.
    pub(crate) fn server(&self) -> String {
        match &self.proxy {
            Some(proxy) => format!("{} through the proxy {proxy}", self.host),
            None => self.host.clone(),
        }
    }

    /// Reads the error body; where it holds nothing, the challenge's `error`.
    pub(crate) async fn read(response: Response) -> Self {
        let challenges = parse_challenges(response.headers());
        let (host, status) = (host_and_port(response.url()), Some(response.status()));
        let proxy = response.proxy();
        let moved_to = moved_to(&response);
        let unchallenged = (status == Some(StatusCode::UNAUTHORIZED) && challenges.is_empty())
            .then(|| match response.headers().get(header::WWW_AUTHENTICATE) {
                None => "the answer has no WWW-Authenticate header",
                Some(_) => "the answer's WWW-Authenticate header cannot be read",
            });
        let limits = RateLimits::of(&response);
        let body = response.bytes(LARGEST_BODY).await.unwrap_or_default();
        let mut errors = ServerErrors::parse(&body);
        if (errors.is_empty() || errors.is_web_page())
            && let Some(code) = challenges.iter().find_map(|c| c.param("error"))
        {
            errors = ServerErrors::of_code(code);
        }
        Self {
            host,
            proxy,
            status,
            moved_to,
            errors,
            limits,
            unchallenged,
        }
    }
}

/// `server answered status`, with the address of a redirect.
impl fmt::Display for FailedResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.status.unwrap_or_default();
        write!(f, "{} answered {status}", self.server())?;
        match &self.moved_to {
            Some(host) => write!(f, ", a redirect to {host},"),
            None => Ok(()),
        }
    }
}

fn moved_to(response: &Response) -> Option<String> {
    let location = response.headers().get(header::LOCATION)?.to_str().ok()?;
    let next = response.url().join(location).ok()?;
    let is_elsewhere =
        response.status().is_redirection() && next.origin() != response.url().origin();
    is_elsewhere.then(|| host_and_port(&next))
}

const LARGEST_BODY: usize = 64 * 1024;

#[cfg(test)]
mod tests;
