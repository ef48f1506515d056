//! The few fields of an error body that a message may show.

use std::fmt;

use regcred_core::plain;
use serde_json::Value;

use crate::web_page::begins_page;

/// Code and message out of a JSON error body, cut to 200 characters each. Whole bodies are never
/// kept: they may repeat what was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorFields {
    code: Option<String>,
    message: Option<String>,
}

impl ErrorFields {
    /// Reads a body: OAuth's `error` and `error_description`, `{"error":{"code","message",
    /// "status"}}` and `{"errors":[{"code","message"}]}` of the clouds and of registries,
    /// `errorCode` and `errorMessage` of IBM, `__type` of AWS. Of a web page only that it is one; nothing
    /// is read from any other body.
    #[must_use]
    pub fn parse(body: &[u8]) -> Self {
        if TLS_PORT.iter().any(|words| contains(body, words)) {
            return Self {
                code: None,
                message: Some("the server expects https on this port".to_owned()),
            };
        }
        if begins_page(body) {
            return Self {
                code: None,
                message: Some(WEB_PAGE.to_owned()),
            };
        }
        let Ok(value) = serde_json::from_slice::<Value>(body) else {
            return Self::default();
        };
        let first = value.pointer("/errors/0");
        let places = [Some(&value), value.get("error"), first];
        let mut found = Self::default();
        for place in places.into_iter().flatten() {
            let text = |names: &[&str]| names.iter().find_map(|name| short(place.get(name)?));
            // A number only repeats the response's status; the word next to it is more precise.
            let word = || {
                place.get("code").filter(|code| code.is_number())?;
                place.get("status").filter(|word| word.is_string())
            };
            found.code = found
                .code
                .or_else(|| text(&["error"]))
                .or_else(|| word().and_then(short))
                .or_else(|| text(&CODES));
            found.message = found.message.or_else(|| text(&MESSAGES));
        }
        found.add_entra_codes(value.get("error_codes"));
        found
    }

    /// Entra ID's numbers, where its message does not have them.
    fn add_entra_codes(&mut self, codes: Option<&Value>) {
        let codes = codes.and_then(Value::as_array).into_iter().flatten();
        for number in codes.filter_map(Value::as_u64).take(MOST_CODES) {
            let code = format!("AADSTS{number}");
            match &mut self.message {
                None => self.message = Some(code),
                Some(message) if message.contains(&code) => {}
                Some(message) => message.push_str(&format!(" ({code})")),
            }
        }
    }

    /// The error's code, if the body had one.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// The error's message, if the body had one.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// Whether the body was a web page.
    #[must_use]
    pub fn is_web_page(&self) -> bool {
        self.message() == Some(WEB_PAGE)
    }

    /// Whether neither was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.code.is_none() && self.message.is_none()
    }
}

impl fmt::Display for ErrorFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.code, &self.message) {
            (Some(code), Some(message)) => write!(f, "{code}: {message}"),
            (Some(text), None) | (None, Some(text)) => f.write_str(text),
            (None, None) => Ok(()),
        }
    }
}

/// A text, shortened, or a number; `None` for anything else.
fn short(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => plain(text, LONGEST),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

fn contains(body: &[u8], words: &[u8]) -> bool {
    body.windows(words.len()).any(|window| window == words)
}

const LONGEST: usize = 200;
const WEB_PAGE: &str = "a web page, as of a proxy or a login page";
const MOST_CODES: usize = 3;
const CODES: [&str; 6] = [
    "code",
    "Code",
    "errorCode",
    "error_code",
    "__type",
    "status",
];
const MESSAGES: [&str; 6] = [
    "error_description",
    "message",
    "Message",
    "errorMessage",
    "msg",
    "details",
];
/// How Go's server and nginx respond to plain http on a TLS port.
const TLS_PORT: [&[u8]; 2] = [
    b"sent an HTTP request to an HTTPS server",
    b"plain HTTP request was sent to HTTPS port",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(body: &str) -> String {
        ErrorFields::parse(body.as_bytes()).to_string()
    }

    #[test]
    fn a_token_that_a_server_repeats_is_not_shown() {
        let token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2ln-_";
        let body =
            format!(r#"{{"error":"{token}","message":"the token '{token}' of eyJ is bad"}}"#);
        assert_eq!(shown(&body), "[token]: the token '[token]' of eyJ is bad");
    }

    #[test]
    fn the_usual_error_bodies_are_understood() {
        for (body, expected) in [
            (
                r#"{"error":"invalid_grant","error_description":"expired"}"#,
                "invalid_grant: expired",
            ),
            (
                r#"{"error":{"code":403,"message":"no","status":"PERMISSION_DENIED"}}"#,
                "PERMISSION_DENIED: no",
            ),
            (r#"{"error":{"code":403,"status":"DENIED"}}"#, "DENIED"),
            (r#"{"error":{"code":403,"message":"no"}}"#, "403: no"),
            (r#"{"error":{"code":"E1","status":"x"}}"#, "E1"),
            (r#"{"code":7,"status":403,"message":"no"}"#, "7: no"),
            (
                r#"{"errors":[{"code":"DENIED","message":"not yours"},{"code":"X"}]}"#,
                "DENIED: not yours",
            ),
            (
                r#"{"errorCode":"BXNIM0415E","errorMessage":"key not found"}"#,
                "BXNIM0415E: key not found",
            ),
            (
                r#"{"__type":"AccessDeniedException","Message":"no"}"#,
                "AccessDeniedException: no",
            ),
            (r#"{"message":"a\u001b[31m\nb"}"#, "a [31m b"),
            (r#"{"message":"a\u202eb\u200bc"}"#, "a b c"),
            (
                r#"{"error":"invalid_client","error_description":"no","error_codes":[7000215,"x"]}"#,
                "invalid_client: no (AADSTS7000215)",
            ),
            (
                r#"{"error":"e","error_description":"AADSTS50034: no","error_codes":[50034]}"#,
                "e: AADSTS50034: no",
            ),
            (
                r#"{"error":"e","error_codes":[1,2,3,4]}"#,
                "e: AADSTS1 (AADSTS2) (AADSTS3)",
            ),
            (
                "<html>secret</html>",
                "a web page, as of a proxy or a login page",
            ),
            (r#"{"token":"canary"}"#, ""),
            ("[]", ""),
            ("", ""),
        ] {
            assert_eq!(shown(body), expected, "{body}");
        }
    }

    #[test]
    fn fields_are_cut() {
        let body = format!(r#"{{"message":"{}"}}"#, "ä".repeat(500));
        assert_eq!(shown(&body).chars().count(), 200);
    }

    #[test]
    fn http_sent_to_a_tls_port_is_explained() {
        let body = "Client sent an HTTP request to an HTTPS server.\n";
        assert_eq!(shown(body), "the server expects https on this port");
    }
}
