//! A document in JSON or YAML, as Kubernetes' universal decoder tells them apart (apimachinery
//! `pkg/runtime/serializer`).

use regcred_go::{DecodeError, Value, json, yaml};

use crate::version::META_ERROR;

/// A document that could be read.
pub(crate) struct Document {
    pub(crate) value: Value,
    /// What was found wrong with its keys while it was YAML.
    pub(crate) finding: Option<String>,
    /// Whether there are further YAML documents behind it, which nobody reads.
    pub(crate) has_more: bool,
}

impl Document {
    /// Reads the first document. What begins with `{` is JSON, everything else YAML.
    ///
    /// # Errors
    /// For a syntax error; JSON's is in the kubelet's words.
    pub(crate) fn parse(input: &[u8]) -> Result<Self, DecodeError> {
        let text = String::from_utf8_lossy(input);
        if text.trim_start().starts_with('{') {
            let value = json::parse(input)
                .map_err(|error| DecodeError::new(format!("{META_ERROR}{error}")))?;
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
