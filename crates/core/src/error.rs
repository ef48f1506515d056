//! The error of a provider, with a kind that decides what the caller does next.

use std::error::Error;
use std::fmt;
use std::iter::successors;

use crate::foreign_text::shown_on_one_line;

type Source = Box<dyn Error + Send + Sync + 'static>;

/// The kind of a failure; messages and exit codes depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The registry is not one of this provider's cloud.
    NotServed,
    /// A needed option, variable or file is missing or wrong.
    NotConfigured,
    /// No identity was found: no metadata server, no key file, no role.
    IdentityUnavailable,
    /// The cloud refused the identity or the request.
    Denied,
    /// The cloud asked to slow down.
    Throttled,
    /// No answer: name resolution, connection, time-out, server failure.
    Unreachable,
    /// An answer that does not have the documented form.
    Malformed,
}

/// A provider's failure. `Display` is one sentence of this layer; the cause is `source()`, and [`report`]
/// joins them with the next step. None of them ever holds a secret.
#[derive(Debug)]
pub struct ProviderError {
    provider: &'static str,
    kind: ErrorKind,
    message: String,
    next_step: Option<String>,
    call: Option<Box<FailedCall>>,
    source: Option<Source>,
}

/// Who asked which server, in a failure's own words; its sentence has both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedCall {
    /// The identity that was used.
    pub identity: String,
    /// The server.
    pub server: String,
}

impl ProviderError {
    /// A failure of this provider: a lower-case sentence without a final period that names what
    /// failed, and where; without a cause, also what to do.
    pub fn new(provider: &'static str, kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            provider,
            kind,
            message: message.into(),
            next_step: None,
            call: None,
            source: None,
        }
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Adds what to do, in place of what was added before; `None` changes nothing. [`report`] prints it
    /// after the causes: what a server answered comes before it.
    #[must_use]
    pub fn with_next_step(mut self, step: impl Into<Option<String>>) -> Self {
        self.next_step = step.into().or(self.next_step);
        self
    }

    /// Adds who asked which server, for a report in parts.
    #[must_use]
    pub fn in_call(mut self, call: FailedCall) -> Self {
        self.call = Some(Box::new(call));
        self
    }

    /// The same failure with another sentence, made from its own.
    #[must_use]
    pub fn reworded(mut self, reword: impl FnOnce(String) -> String) -> Self {
        self.message = reword(self.message);
        self
    }

    /// The kind of the failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The failure and its causes without the provider's name and the next step, as a part of a longer
    /// message.
    #[must_use]
    pub fn reason(&self) -> String {
        let line = with_causes(self);
        let name = format!("{}: ", self.provider);
        line.strip_prefix(&name).unwrap_or(&line).to_owned()
    }

    /// What to do, if that is known.
    #[must_use]
    pub fn next_step(&self) -> Option<&str> {
        self.next_step.as_deref()
    }

    /// Who asked which server; `None` where none was asked.
    #[must_use]
    pub fn call(&self) -> Option<&FailedCall> {
        self.call.as_deref()
    }

    /// The provider's name.
    #[must_use]
    pub fn provider(&self) -> &'static str {
        self.provider
    }
}

impl fmt::Display for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.provider, self.message)
    }
}

impl Error for ProviderError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|e| e as _)
    }
}

/// An error and its causes on one line, joined by `: `, then the next step of a provider's error; a cause
/// that the line already ends with is not repeated.
#[must_use]
pub fn report(error: &(dyn Error + 'static)) -> String {
    let line = with_causes(error);
    let mut chain = successors(Some(error), |&error| error.source());
    let next_step = chain.find_map(|error| {
        let provider = error.downcast_ref::<ProviderError>()?;
        provider.next_step.as_deref()
    });
    match next_step {
        Some(step) => format!("{line}; {}", shown_on_one_line(step)),
        None => line,
    }
}

fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut line = shown_on_one_line(&error.to_string());
    for cause in successors(error.source(), |&cause| cause.source()) {
        let text = shown_on_one_line(&cause.to_string());
        if !text.is_empty() && !line.ends_with(&text) {
            line = format!("{line}: {text}");
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_nothing_that_a_terminal_obeys() {
        let source = std::io::Error::other("said \u{1b}[2J\u{202e}ok");
        let error = ProviderError::new("icr", ErrorKind::Denied, "no\rtoken").with_source(source);
        assert_eq!(report(&error), "icr: no token: said [2J ok");
    }

    #[test]
    fn report_joins_causes_on_one_line_without_repeats() {
        let inner = std::io::Error::other("connection\nrefused");
        let error = ProviderError::new("ecr", ErrorKind::Unreachable, "cannot reach the ECR API")
            .with_source(inner);
        assert_eq!(
            report(&error),
            "ecr: cannot reach the ECR API: connection refused"
        );
    }

    #[test]
    fn the_next_step_of_a_provider_comes_after_the_causes() {
        let refused = || {
            let cause = std::io::Error::other("answered 401");
            ProviderError::new("icr", ErrorKind::Denied, "IAM refused the API key")
                .with_source(cause)
        };
        let advised = refused().with_next_step("make a\nnew one".to_owned());
        let line = "icr: IAM refused the API key: answered 401; make a new one";
        assert_eq!(report(&advised), line);
        let outer = ProviderError::new("x", ErrorKind::Denied, "no token").with_source(advised);
        assert_eq!(report(&outer), format!("x: no token: {line}"));
        let plain = refused().with_next_step(None);
        assert_eq!(report(&plain), "icr: IAM refused the API key: answered 401");
        let again = refused().with_next_step("first".to_owned());
        let again = again
            .with_next_step("second".to_owned())
            .with_next_step(None);
        assert!(report(&again).ends_with("answered 401; second"));
        let part = again.reworded(|text| format!("{text} (twice)")).reason();
        assert_eq!(part, "IAM refused the API key (twice): answered 401");
    }
}
