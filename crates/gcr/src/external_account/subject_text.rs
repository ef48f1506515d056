//! A subject token as a text: in a file that another program renews (a projected service account
//! token), or returned by a server of the workload's own cloud (Azure's metadata server); as it is,
//! or as a field of JSON.

use std::collections::BTreeMap;
use std::path::PathBuf;

use regcred_core::ProviderError;
use regcred_files::{MIB, read_secret};
use regcred_http::{Request, Retry};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

use crate::settings::{Cloud, Settings};
use crate::{ERRORS, call};

#[derive(Deserialize)]
pub(super) struct SubjectFile {
    file: PathBuf,
    #[serde(default)]
    format: Format,
}

impl SubjectFile {
    /// The token; the file is read each time.
    pub(super) fn token(&self) -> Result<SecretString, ProviderError> {
        let shown = self.file.display();
        let text = read_secret(&self.file, MIB).map_err(|error| {
            let message = format!("cannot read the subject token in {shown}");
            ERRORS.misconfigured(message).with_source(error)
        })?;
        self.format
            .extract(text.expose_secret().trim())
            .map_err(|reason| {
                ERRORS.misconfigured(format!("no subject token in {shown}: {reason}"))
            })
    }
}

#[derive(Deserialize)]
pub(super) struct SubjectUrl {
    url: String,
    #[serde(default)]
    headers: BTreeMap<String, SecretHeader>,
    #[serde(default)]
    format: Format,
}

/// Headers of these files name a protocol (`Metadata: true`) or hold a key.
#[derive(Deserialize)]
struct SecretHeader(#[serde(deserialize_with = "regcred_cloud::secret")] SecretString);

impl SubjectUrl {
    /// # Errors
    /// When the address is not one to read from.
    pub(super) fn new(settings: &Settings, wanted: Self) -> Result<Self, String> {
        settings.readable_url("credential_source.url", &wanted.url)?;
        Ok(wanted)
    }

    pub(super) async fn token(&self, cloud: &Cloud) -> Result<SecretString, ProviderError> {
        const FAILED: &str = "no subject token from credential_source.url";
        // The address was checked, so a key in a header may go to a metadata server too.
        let mut request = Request::get(&self.url)
            .timeout(call::TIMEOUT)
            .retry(Retry::gentle())
            .allow_cleartext();
        for (name, SecretHeader(value)) in &self.headers {
            request = request.secret_header(name, value);
        }
        let text = call::text(&cloud.web()?, request).await;
        let text = SecretString::from(text.map_err(|e| ERRORS.call_failed(FAILED, e))?);
        self.format
            .extract(text.expose_secret())
            .map_err(|reason| ERRORS.malformed(format!("{FAILED}: {reason}")))
    }
}

/// The `format` of a `credential_source`.
#[derive(Default, Deserialize)]
struct Format {
    #[serde(default, rename = "type")]
    kind: FormatType,
    subject_token_field_name: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum FormatType {
    #[default]
    Text,
    Json,
}

impl Format {
    /// The token in a text. The error names the reason without the text.
    fn extract(&self, text: &str) -> Result<SecretString, String> {
        let (value, token);
        match (&self.kind, &self.subject_token_field_name) {
            (FormatType::Text, _) => token = text,
            (FormatType::Json, None) => {
                return Err("its format is json without subject_token_field_name".to_owned());
            }
            (FormatType::Json, Some(field)) => {
                value = serde_json::from_str::<Value>(text).map_err(|_| "it is not JSON")?;
                let found = value.get(field).and_then(Value::as_str);
                token = found.ok_or_else(|| format!("it has no text in the field {field:?}"))?;
            }
        }
        if token.is_empty() {
            return Err("it is empty".to_owned());
        }
        Ok(token.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extract(format: &str, text: &str) -> Result<String, String> {
        let format: Format = serde_json::from_str(format).expect("format");
        format
            .extract(text)
            .map(|token| token.expose_secret().to_owned())
    }

    #[test]
    fn both_forms_are_read() {
        assert_eq!(extract("{}", "abc").expect("text"), "abc");
        let json = r#"{"type":"json","subject_token_field_name":"t"}"#;
        assert_eq!(extract(json, r#"{"t":"abc"}"#).expect("json"), "abc");
    }

    #[test]
    fn a_text_without_a_token_is_refused_and_not_repeated() {
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
