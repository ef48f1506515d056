//! An answer that is not what was asked for.

use regcred_http::{Response, StatusCode, parse_challenges};

use super::address::host_and_port;
use super::error_body::ServerErrors;
use super::rate_limits::RateLimits;

/// What an error message needs of such an answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct FailedResponse {
    /// `host[:port]` of the server.
    pub(crate) host: String,
    pub(crate) status: Option<StatusCode>,
    pub(crate) errors: ServerErrors,
    pub(crate) limits: RateLimits,
}

impl FailedResponse {
    /// Reads the error body; where it holds nothing, the challenge's `error`.
    pub(crate) async fn read(response: Response) -> Self {
        let challenges = parse_challenges(response.headers());
        let (host, status) = (host_and_port(response.url()), Some(response.status()));
        let limits = RateLimits::of(&response);
        let body = response.bytes(LARGEST_BODY).await.unwrap_or_default();
        let mut errors = ServerErrors::parse(&body);
        if errors.is_empty()
            && let Some(code) = challenges.iter().find_map(|c| c.param("error"))
        {
            errors = ServerErrors::of_code(code);
        }
        Self {
            host,
            status,
            errors,
            limits,
        }
    }
}

const LARGEST_BODY: usize = 64 * 1024;
