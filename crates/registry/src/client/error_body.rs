//! The error body of a registry: `{"errors":[{"code","message"}]}`, or what some servers send
//! instead.

use std::fmt;

use regcred_core::plain;
use regcred_http::ErrorFields;
use serde_json::Value;

use super::advice;
use crate::image::Digest;

/// Codes and messages of an answer, bounded. `Display` is `: code: message` for each, as docker
/// writes them: `MANIFEST_UNKNOWN` is `manifest unknown`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ServerErrors {
    errors: Vec<(String, String)>,
    is_web_page: bool,
}

impl ServerErrors {
    /// Reads a body. Unknown codes stay as they are. Plain text and an empty body do not contain
    /// errors; in bodies of another form [`ErrorFields`] finds them.
    pub(crate) fn parse(body: &[u8]) -> Self {
        let value: Value = serde_json::from_slice(body).unwrap_or_default();
        let listed: Vec<_> = value["errors"]
            .as_array()
            .into_iter()
            .flatten()
            .take(MOST_ERRORS)
            .map(|error| (short(&error["code"]), message(error)))
            .filter(|(code, message)| !code.is_empty() || !message.is_empty())
            .collect();
        if !listed.is_empty() {
            return Self::of(listed);
        }
        let fields = ErrorFields::parse(body);
        let text = |field: Option<&str>| field.unwrap_or_default().to_owned();
        if fields.is_empty() {
            Self::default()
        } else {
            Self {
                is_web_page: fields.is_web_page(),
                ..Self::of(vec![(text(fields.code()), text(fields.message()))])
            }
        }
    }

    fn of(errors: Vec<(String, String)>) -> Self {
        Self {
            errors,
            is_web_page: false,
        }
    }

    /// One error without a message: the `error` of a challenge.
    pub(crate) fn of_code(code: &str) -> Self {
        Self::of(vec![(plain(code, LONGEST), String::new())])
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    /// The messages as they came.
    pub(crate) fn messages(&self) -> impl Iterator<Item = &str> {
        let messages = self.errors.iter().map(|(_, message)| message.as_str());
        messages.filter(|message| !message.is_empty())
    }

    /// Whether a web page came in place of errors.
    pub(crate) fn is_web_page(&self) -> bool {
        self.is_web_page
    }

    /// The codes as they came.
    pub(crate) fn codes(&self) -> impl Iterator<Item = &str> {
        let codes = self.errors.iter().map(|(code, _)| code.as_str());
        codes.filter(|code| !code.is_empty())
    }

    /// The reason for the refusal, if it is not the credential.
    pub(crate) fn advice(&self) -> Option<&'static str> {
        let mut messages = self.errors.iter().map(|(_, message)| message);
        messages.find_map(|message| advice::advice(message))
    }
}

impl fmt::Display for ServerErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (code, message)) in self.errors.iter().enumerate() {
            f.write_str(if at == 0 { ": " } else { ", " })?;
            let code = code.to_lowercase().replace('_', " ");
            match (code.is_empty(), message.is_empty()) {
                (false, false) if message.eq_ignore_ascii_case(&code) => f.write_str(message)?,
                (false, false) => write!(f, "{code}: {message}")?,
                _ => write!(f, "{code}{message}")?,
            }
        }
        match self.advice() {
            Some(advice) => write!(f, " ({advice})"),
            None => Ok(()),
        }
    }
}

/// The message, with the digest of a blob that a manifest names and the registry lacks: only the detail
/// has it.
fn message(error: &Value) -> String {
    let message = short(&error["message"]);
    let digest = short(&error["detail"]).parse::<Digest>();
    match digest {
        Ok(digest) if error["code"] == "MANIFEST_BLOB_UNKNOWN" => format!("{message} ({digest})"),
        _ => message,
    }
}

/// Text or number on one line, at most 200 characters.
fn short(value: &Value) -> String {
    match value {
        Value::String(text) => plain(text, LONGEST),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

const MOST_ERRORS: usize = 5;
const LONGEST: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(body: &str) -> String {
        ServerErrors::parse(body.as_bytes()).to_string()
    }

    #[test]
    fn codes_known_and_unknown_are_shown() {
        for (body, expected) in [
            (
                r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":{"x":1}}]}"#,
                ": manifest unknown",
            ),
            (
                r#"{"errors":[{"code":"NOT_FOUND"},{"code":404,"message":"gone"}]}"#,
                ": not found, 404: gone",
            ),
            (r#"{"errors":[{"message":"only words"}]}"#, ": only words"),
            (
                r#"{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown to registry","detail":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}]}"#,
                ": manifest blob unknown: blob unknown to registry \
                 (sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a)",
            ),
            (r#"{"errors":[]}"#, ""),
            (r#"{"errors":null,"message":"quay"}"#, ": quay"),
            (
                r#"{"details":"incorrect username or password"}"#,
                ": incorrect username or password",
            ),
            (
                "<html>no</html>",
                ": a web page, as of a proxy or a login page",
            ),
            ("404 page not found", ""),
            ("", ""),
        ] {
            assert_eq!(shown(body), expected, "{body}");
        }
    }

    #[test]
    fn codes_stay_as_they_came() {
        let errors = ServerErrors::parse(br#"{"errors":[{"code":"DENIED"},{"code":"X_NEW"}]}"#);
        assert_eq!(errors.codes().collect::<Vec<_>>(), ["DENIED", "X_NEW"]);
    }
}
