//! The message of a failed operation, on one line.

use std::fmt;

use regcred_core::report;
use regcred_http::StatusCode;

use super::{Inner, Reason, RegistryError, TokenRefusal};
use crate::client::failed_response::FailedResponse;
use crate::client::object::{Object, Part};
use crate::client::push_refusal;
use crate::client::rate_limits::RateLimits;

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { object, reason, .. } = &*self.0;
        let action = if object.is_pushed() { "push" } else { "fetch" };
        match reason {
            Reason::Status(response) => {
                write_status(f, object, response)?;
                limits(response).fmt(f)?;
                match response.unchallenged {
                    Some(why) if self.0.login_sent == Some(false) => {
                        write!(f, "; the server does not offer a login: {why}")
                    }
                    _ => self.write_push_advice(f, response),
                }
            }
            Reason::TokenServer(refusal) => {
                write!(f, "failed to authorize {object}: {refusal}")?;
                self.write_push_advice(f, &refusal.response)
            }
            Reason::NoScheme {
                host,
                offered,
                anonymous,
            } => {
                write!(f, "unauthorized: {host} requires a login for {object}")?;
                let schemes = offered.join(", ");
                if *anonymous {
                    write!(f, " ({schemes}), and no credential for it was found")
                } else {
                    write!(f, ", by a scheme that is not supported ({schemes})")
                }
            }
            Reason::Servers(all) => {
                write!(f, "cannot {action} {object}")?;
                for (n, (server, error)) in all.iter().enumerate() {
                    let before = if n == 0 { ": " } else { "; " };
                    write!(f, "{before}{server}: {}", report(error))?;
                }
                Ok(())
            }
            Reason::Unreached => write!(f, "cannot {action} {object}"),
            Reason::Digest { actual } => {
                write!(
                    f,
                    "{object} does not match its digest: the content has {actual}"
                )
            }
            Reason::Size { expected, actual } => {
                write!(
                    f,
                    "{object} has {actual} bytes, but {expected} in its descriptor"
                )
            }
            Reason::OutOfStep(bytes) => write!(
                f,
                "cannot push {object}: the registry has {bytes} bytes of it by its own account"
            ),
            Reason::Manifest => write!(f, "cannot use {object}"),
            Reason::Configuration => write!(f, "cannot ask for {object}"),
            Reason::Protocol(what) | Reason::Local(what) => write!(f, "{object}: {what}"),
        }
    }
}

impl RegistryError {
    fn write_push_advice(
        &self,
        f: &mut fmt::Formatter<'_>,
        response: &FailedResponse,
    ) -> fmt::Result {
        let is_pushed = self.0.object.is_pushed();
        match push_refusal::advice(response, self.after_sent_login()).filter(|_| is_pushed) {
            Some(advice) => write!(f, " ({advice})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for TokenRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors = &self.response.errors;
        let who = if self.anonymous {
            "an anonymous request"
        } else {
            "the login"
        };
        match self.response.status {
            Some(status) => {
                let word = if status == StatusCode::UNAUTHORIZED {
                    "unauthorized: "
                } else {
                    ""
                };
                write!(f, "{word}{} to {who}{errors}", self.response)?;
                limits(&self.response).fmt(f)
            }
            None => {
                let server = self.response.server();
                write!(f, "{server} returned no token to {who}{errors}")
            }
        }
    }
}

fn write_status(
    f: &mut fmt::Formatter<'_>,
    object: &Object,
    response: &FailedResponse,
) -> fmt::Result {
    let errors = &response.errors;
    let status = response.status.unwrap_or_default();
    let repository = &object.repository;
    let is_pushed = object.is_pushed();
    match (status.as_u16(), &object.part) {
        (401 | 403, _) => {
            let action = if is_pushed { "push" } else { "pull" };
            write!(
                f,
                "{action} access denied for {repository}, repository does not exist or may require \
                 authorization: {response}"
            )?;
        }
        (404, part @ (Part::Manifest(_) | Part::Blob(_))) if !is_pushed => {
            let is_manifest = matches!(part, Part::Manifest(_));
            let kind = if is_manifest { "manifest for " } else { "" };
            write!(f, "{kind}{object} not found")?;
            let (registry, _) = repository.split_once('/').unwrap_or((repository, ""));
            if response.proxy.is_some() || response.host != registry {
                write!(f, " at {}", response.server())?;
            }
            if is_manifest && errors.is_empty() {
                return f.write_str(": manifest unknown");
            }
        }
        (429, _) => {
            let server = response.server();
            write!(f, "too many requests to {server} for {object}: {status}")?;
        }
        _ if is_pushed => write!(f, "cannot push {object}: {response}")?,
        _ => write!(f, "cannot fetch {object}: {response}")?,
    }
    write!(f, "{errors}")
}

/// The limits, where they are the reason; many registries state them with every answer.
fn limits(response: &FailedResponse) -> RateLimits {
    if response.status == Some(StatusCode::TOO_MANY_REQUESTS) {
        response.limits.clone()
    } else {
        response.limits.pause_only()
    }
}
