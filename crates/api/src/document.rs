//! A document in JSON or YAML, as Kubernetes' universal decoder distinguishes them (apimachinery
//! `pkg/runtime/serializer`).

use regcred_go::{DecodeError, Value, json, yaml};

use crate::version::meta_error;

/// A document whose syntax is valid.
pub(crate) struct Document {
    pub(crate) value: Value,
    /// The error about its keys, found in the YAML.
    pub(crate) finding: Option<String>,
    /// Whether further YAML documents follow, which are not read.
    pub(crate) has_more: bool,
}

impl Document {
    /// Reads the first document. A text that begins with `{` is JSON, any other YAML.
    ///
    /// # Errors
    /// A syntax error; for JSON in the kubelet's words.
    pub(crate) fn parse(input: &[u8]) -> Result<Self, DecodeError> {
        let text = String::from_utf8_lossy(input);
        if text.trim_start().starts_with('{') {
            let value = json::parse(input).map_err(|error| meta_error(&error))?;
            return Ok(Self::of(value));
        }
        let (first, has_more) = yaml::parse_first(input)?;
        let Some(document) = first else {
            return Ok(Self::of(Value::Null));
        };
        let finding = (!document.duplicates.is_empty()).then(|| {
            let lines = document.duplicates.join("\n  ");
            format!("yaml: unmarshal errors:\n  {lines}")
        });
        Ok(Self {
            value: document.value.sorted(),
            finding,
            has_more,
        })
    }

    fn of(value: Value) -> Self {
        Self {
            value,
            finding: None,
            has_more: false,
        }
    }
}
