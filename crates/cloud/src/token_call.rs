//! The errors of one call for a token, all in one order: whose identity asked, which server, what it
//! answered, what to do.

use std::cell::RefCell;
use std::time::Duration;

use regcred_core::{ErrorKind, FailedCall, ProviderError};
use regcred_http::HttpError;
use tokio::time::timeout;

use crate::errors::{Errors, usual_step};

/// A call for a token: the identity that the token is for, and the server that issues it.
#[derive(Clone, Debug)]
pub struct TokenCall {
    errors: Errors,
    identity: String,
    server: String,
    if_refused: Option<String>,
}

impl Errors {
    /// A call for a token of this identity, as messages call it, from that server. It is made before the
    /// request is sent: if the time of the whole plan ends, the last one is in the error.
    #[must_use]
    pub fn token_call(self, identity: impl Into<String>, server: impl Into<String>) -> TokenCall {
        let call = TokenCall {
            errors: self,
            identity: identity.into(),
            server: server.into(),
            if_refused: None,
        };
        // Outside a plan, such as in a test, nothing asks for it.
        let _ = LAST.try_with(|last| last.replace(Some(call.clone())));
        call
    }
}

tokio::task_local! {
    /// The last call of a plan.
    static LAST: RefCell<Option<TokenCall>>;
}

/// What the work returns, or, if the time ends first, its last call.
pub(crate) async fn within<T>(
    time: Duration,
    work: impl Future<Output = T>,
) -> Result<T, Option<TokenCall>> {
    let work = async {
        timeout(time, work)
            .await
            .map_err(|_| LAST.with(RefCell::take))
    };
    LAST.scope(RefCell::default(), work).await
}

impl TokenCall {
    /// What to do about a refusal whose own reason does not show it.
    #[must_use]
    pub fn if_refused(mut self, step: impl Into<String>) -> Self {
        self.if_refused = Some(step.into());
        self
    }

    /// A failure of this kind, whose cause and next step the caller may add.
    #[must_use]
    pub fn error(&self, kind: ErrorKind) -> ProviderError {
        self.with_step(self.named_in(self.errors.of_kind(kind, self.sentence())))
    }

    /// A failure in other words, with this call for a report in parts.
    #[must_use]
    pub fn named_in(&self, error: ProviderError) -> ProviderError {
        error.in_call(FailedCall {
            identity: self.identity.clone(),
            server: self.server.clone(),
        })
    }

    /// An answer that is not a token.
    #[must_use]
    pub fn answered(&self, kind: ErrorKind, answer: &str) -> ProviderError {
        self.error(kind)
            .reworded(|sentence| format!("{sentence}: {answer}"))
    }

    /// A token that cannot be used any more.
    #[must_use]
    pub fn expired(&self) -> ProviderError {
        self.answered(
            ErrorKind::Malformed,
            "it returned a token that has already expired",
        )
        .with_next_step("check this machine's clock".to_owned())
    }

    /// A failed exchange: the cause has the address, the proxy and the answer.
    #[must_use]
    pub fn failed(&self, cause: HttpError) -> ProviderError {
        let is_refused = cause.kind() == ErrorKind::Denied;
        let step = self.if_refused.clone().filter(|_| is_refused);
        self.named_in(self.errors.call_failed(self.sentence(), cause))
            .with_next_step(step)
    }

    /// The same where a server that does not respond means that the machine does not have one.
    #[must_use]
    pub fn no_server(&self, cause: HttpError) -> ProviderError {
        self.error(ErrorKind::IdentityUnavailable)
            .reworded(|sentence| format!("{sentence}, which does not respond"))
            .with_source(cause)
    }

    fn sentence(&self) -> String {
        format!("{} received no token from {}", self.identity, self.server)
    }

    fn with_step(&self, error: ProviderError) -> ProviderError {
        let step = match error.kind() {
            ErrorKind::Denied => self.if_refused.clone(),
            kind => usual_step(kind).map(str::to_owned),
        };
        error.with_next_step(step)
    }
}

#[cfg(test)]
mod tests {
    use regcred_core::{Clock, Env, report};
    use regcred_http::Request;
    use regcred_http_testing::{Fake, Reply};

    use super::*;
    use crate::Cloud;

    fn call() -> TokenCall {
        let call = Errors::of("icr").token_call("the API key", "IAM at h");
        call.if_refused("make a new one")
    }

    async fn failed(reply: Reply) -> ProviderError {
        let server = Fake::answering(vec![reply]).await;
        let cloud = Cloud::new(Errors::of("icr"), &Env::default(), &Clock::system(), ());
        let client = cloud.web().expect("a client");
        let response = client.send(Request::get(&server.url("/"))).await;
        let response = response.expect("a response");
        call().failed(response.into_error("token request").await)
    }

    #[tokio::test]
    async fn a_failed_call_names_identity_server_answer_and_next_step_in_this_order() {
        for (status, kind, step) in [
            (401, ErrorKind::Denied, "make a new one"),
            (404, ErrorKind::Malformed, "check the server's address"),
            (429, ErrorKind::Throttled, "try again later"),
            (500, ErrorKind::Unreachable, "try again later"),
        ] {
            let error = failed(Reply::new(status)).await;
            assert_eq!(error.kind(), kind);
            let line = report(&error);
            assert!(
                line.starts_with(
                    "icr: the API key received no token from IAM at h: token request: GET "
                ),
                "{line}"
            );
            let (answer, next) = line.rsplit_once("; ").expect("a next step");
            assert!(answer.contains(&format!("answered {status}")), "{line}");
            assert!(next.starts_with(step), "{line}");
        }
    }

    #[test]
    fn an_answer_without_a_token_is_named_before_the_next_step() {
        let line = report(&call().answered(ErrorKind::Malformed, "no access token"));
        let start = "icr: the API key received no token from IAM at h: no access token; check ";
        assert!(line.starts_with(start), "{line}");
        let refused = report(&call().answered(ErrorKind::Denied, "no"));
        assert!(refused.ends_with(": no; make a new one"), "{refused}");
    }
}
