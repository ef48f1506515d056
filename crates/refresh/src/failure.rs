//! A failure in the parts that every report of one has.

use std::error::Error;
use std::fmt;

use serde::Serialize;

/// Why an object is not up to date. `Display` is one line in this order: whose identity, which server, what
/// it answered, what to do next. Holds no secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RefreshFailure {
    /// The registry without a token, by its name in the configuration; the line does not have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry: Option<String>,
    /// Whose request failed, or the credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// The server that was asked, and the proxy on the way to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// What it answered, or what else failed.
    pub answer: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_step: Option<String>,
    /// The answer is a sentence that names identity and server: a provider's.
    #[serde(skip)]
    pub(crate) is_complete: bool,
}

impl RefreshFailure {
    /// A failure in which no server was asked.
    pub(crate) fn new(answer: impl Into<String>, next_step: Option<&str>) -> Self {
        Self {
            answer: answer.into(),
            next_step: next_step.map(str::to_owned),
            ..Self::default()
        }
    }
}

impl Error for RefreshFailure {}

impl fmt::Display for RefreshFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_complete {
            if let Some(identity) = &self.identity {
                write!(f, "{identity}: ")?;
            }
            if let Some(server) = &self.server {
                write!(f, "{server} ")?;
            }
        }
        f.write_str(&self.answer)?;
        match &self.next_step {
            Some(step) => write!(f, "; {step}"),
            None => Ok(()),
        }
    }
}

/// The answer of code of ours, or of a library, that panicked.
pub(crate) const PANICKED: &str = "a panic, which is a bug";
/// What to do about it.
pub(crate) const REPORT_IT: &str = "report it with the line of the log that has the place";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_server_answer_and_next_step_are_in_this_order_in_text_and_json() {
        let failure = RefreshFailure {
            identity: Some("the user \"ann\"".to_owned()),
            server: Some("the API server k8s.test".to_owned()),
            ..RefreshFailure::new("answered 401 to GET /api", Some("renew them"))
        };
        let line = "the user \"ann\": the API server k8s.test answered 401 to GET /api; renew them";
        assert_eq!(failure.to_string(), line);
        let json = r#"{"identity":"the user \"ann\"","server":"the API server k8s.test","answer":"answered 401 to GET /api","nextStep":"renew them"}"#;
        assert_eq!(serde_json::to_string(&failure).expect("JSON"), json);
        let complete = RefreshFailure {
            is_complete: true,
            ..failure
        };
        assert_eq!(complete.to_string(), "answered 401 to GET /api; renew them");
    }
}
