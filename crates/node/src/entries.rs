//! The entries to install, as they are written into a CredentialProviderConfig.

use regcred_api::{CredentialProviderConfig, DecodeError, decode_config};
use regcred_go::Value;
use regcred_go::json;
use regcred_go::yaml::parse_first;
use secrecy::zeroize::Zeroizing;

use crate::new_entry::NewEntry;

/// Entries of a configuration, with every field as it was written there.
#[derive(Clone, Debug)]
pub struct Entries {
    values: Vec<Value>,
    decoded: CredentialProviderConfig,
}

impl Entries {
    /// Those of a CredentialProviderConfig, YAML or JSON.
    ///
    /// # Errors
    /// As the kubelet's, when it does not read the text.
    pub fn of(text: &[u8]) -> Result<Self, DecodeError> {
        let decoded = decode_config(text)?;
        let (document, _) = parse_first(text)?;
        let value = document.map_or(Value::Null, |document| document.value);
        let values = match value.member("providers") {
            Some(Value::Array(values)) => values.clone(),
            _ => Vec::new(),
        };
        Ok(Self { values, decoded })
    }

    /// Their names, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.decoded
            .providers
            .iter()
            .map(|entry| entry.name.as_str())
    }

    /// Without those of these names.
    #[must_use]
    pub(crate) fn without(mut self, names: &[String]) -> Self {
        let kept: Vec<_> = self
            .names()
            .map(|name| !names.iter().any(|n| n == name))
            .collect();
        let mut at = kept.iter();
        self.values.retain(|_| *at.next().unwrap_or(&true));
        let mut at = kept.iter();
        self.decoded
            .providers
            .retain(|_| *at.next().unwrap_or(&true));
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Whether an entry has variables, which may be secrets.
    pub(crate) fn has_variables(&self) -> bool {
        self.decoded
            .providers
            .iter()
            .any(|entry| !entry.env.is_empty())
    }

    /// A configuration of these entries alone, in YAML.
    #[must_use]
    pub fn yaml(&self) -> Zeroizing<String> {
        let version = self.decoded.version.as_str();
        let mut text = Zeroizing::new(format!(
            "apiVersion: {version}\nkind: CredentialProviderConfig\nproviders:\n"
        ));
        for entry in self.written() {
            text.push_str(&entry.yaml);
        }
        text
    }

    /// That configuration as a file of an installation.
    pub(crate) fn document(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(
            "# Written by `regcred install`; `regcred uninstall` removes it.\n".to_owned(),
        );
        text.push_str(&self.yaml());
        text
    }

    /// Each as it is written.
    #[must_use]
    pub fn written(&self) -> Vec<NewEntry> {
        let written = self.names().zip(&self.values).map(|(name, value)| {
            let mut item = Zeroizing::new(String::new());
            block(value, "  ", &mut item);
            let mut yaml = Zeroizing::new(String::from("- "));
            yaml.push_str(item.trim_start());
            let mut json = Zeroizing::new(String::new());
            flow(value, &mut json);
            NewEntry {
                name: name.to_owned(),
                json,
                yaml,
            }
        });
        written.collect()
    }
}

/// A value as a block, each line with its line break.
fn block(value: &Value, indent: &str, text: &mut String) {
    let Value::Object(members) = value else {
        return;
    };
    for (name, value) in members {
        text.push_str(indent);
        text.push_str(name);
        text.push(':');
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                text.push('\n');
                block(value, &format!("{indent}  "), text);
            }
            Value::Array(items) if !items.is_empty() => {
                text.push('\n');
                for item in items {
                    let mut inner = Zeroizing::new(String::new());
                    block(item, &format!("{indent}  "), &mut inner);
                    if inner.is_empty() {
                        scalar(item, &mut inner);
                        inner.push('\n');
                    }
                    text.push_str(indent);
                    text.push_str("- ");
                    text.push_str(inner.trim_start());
                }
            }
            value => {
                text.push(' ');
                scalar(value, text);
                text.push('\n');
            }
        }
    }
}

/// A value on one line of YAML, without quotes where every reader takes it for a text.
fn scalar(value: &Value, text: &mut String) {
    match value.plain_text().filter(|value| is_plain(value)) {
        Some(value) => text.push_str(value),
        None => flow(value, text),
    }
}

/// Whether a text is a word or a duration such as `12h`.
fn is_plain(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "._/-".contains(c);
    let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(is_part)
        && !SPECIAL.iter().any(|word| text.eq_ignore_ascii_case(word));
    let is_duration = text.starts_with(|c: char| c.is_ascii_digit())
        && text.ends_with(['h', 'm', 's'])
        && text
            .chars()
            .all(|c| c.is_ascii_digit() || "hms".contains(c));
    is_word || is_duration
}

/// Words that YAML 1.1 reads as booleans and null.
const SPECIAL: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];

/// A value as JSON on one line, which is YAML as well.
fn flow(value: &Value, text: &mut String) {
    match value {
        Value::Null | Value::Number => text.push_str("null"),
        Value::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
        Value::Text(_) => text.push_str(&json::string(value.plain_text().unwrap_or_default())),
        Value::Array(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                flow(item, text);
            }
            text.push(']');
        }
        Value::Object(members) => {
            text.push('{');
            for (at, (name, value)) in members.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                text.push_str(&json::string(name));
                text.push(':');
                flow(value, text);
            }
            text.push('}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_where_a_reader_takes_them_for_something_else() {
        for text in ["12h", "1h30m0s", "gcr.io", "eu-west-1", "a/b_c", "e"] {
            assert!(is_plain(text), "{text}");
        }
        for text in [
            "",
            "no",
            "True",
            "null",
            "12",
            "1e3",
            "0x1",
            "1:30",
            "-x",
            "*.io",
            "a b",
            "a: b",
            "a#",
            "~",
            "2026-01-01",
        ] {
            assert!(!is_plain(text), "{text}");
            let quoted = format!("a: {}\n", json::string(text));
            let (read, _) = parse_first(quoted.as_bytes()).expect("YAML");
            let read = read.expect("a document").value;
            assert_eq!(read.member("a").and_then(Value::plain_text), Some(text));
        }
    }
}
