//! How a subject token is written in a file or an answer: as it is, or as a field of JSON.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

/// The `format` of a `credential_source`.
#[derive(Default, Deserialize)]
pub(super) struct Format {
    #[serde(default, rename = "type")]
    kind: Kind,
    #[serde(default)]
    subject_token_field_name: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    Text,
    Json,
}

impl Format {
    /// Takes the token out of the text.
    ///
    /// # Errors
    /// Why there is none, without the text.
    pub(super) fn extract(&self, text: &SecretString) -> Result<SecretString, String> {
        let text = text.expose_secret();
        let token: SecretString = match self.kind {
            Kind::Text => text.into(),
            Kind::Json => {
                let Some(field) = self.subject_token_field_name.as_deref() else {
                    return Err("its format is json without subject_token_field_name".to_owned());
                };
                let value: Value =
                    serde_json::from_str(text).map_err(|_| "it is not JSON".to_owned())?;
                match value.get(field).and_then(Value::as_str) {
                    Some(token) => token.into(),
                    None => return Err(format!("it has no text in the field {field:?}")),
                }
            }
        };
        if token.expose_secret().is_empty() {
            return Err("it is empty".to_owned());
        }
        Ok(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extract(format: &str, text: &str) -> Result<String, String> {
        let format: Format = serde_json::from_str(format).expect("format");
        format
            .extract(&text.into())
            .map(|token| token.expose_secret().to_owned())
    }

    #[test]
    fn both_forms_are_read() {
        assert_eq!(extract("{}", "abc").expect("text"), "abc");
        let json = r#"{"type":"json","subject_token_field_name":"t"}"#;
        assert_eq!(extract(json, r#"{"t":"abc"}"#).expect("json"), "abc");
    }

    #[test]
    fn what_holds_no_token_is_refused_without_repeating_it() {
        let json = r#"{"type":"json","subject_token_field_name":"t"}"#;
        for (format, text) in [
            ("{}", ""),
            (json, "canary"),
            (json, r#"{"u":"canary"}"#),
            (json, r#"{"t":{"canary":1}}"#),
            (json, r#"{"t":""}"#),
            (r#"{"type":"json"}"#, r#"{"t":"canary"}"#),
        ] {
            let reason = extract(format, text).expect_err(text);
            assert!(!reason.contains("canary"), "{reason}");
        }
    }
}
