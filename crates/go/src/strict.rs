//! Decoding of a tree into typed values with Kubernetes' strictness (sigs.k8s.io/json,
//! `UnmarshalStrict`): a wrong type is fatal; unknown and duplicate fields are collected.

use std::fmt::Write as _;

use secrecy::SecretString;

use crate::duration::GoDuration;
use crate::error::DecodeError;
use crate::quote::go_quote;
use crate::time;
use crate::value::Value;

/// Walks a tree and keeps what is wrong with it. Each `read` function leaves its target alone when
/// the value is null, as Go does.
#[derive(Default)]
pub struct Decoder {
    path: Vec<Step>,
    /// Go names of the structs being read, outermost first.
    structs: Vec<&'static str>,
    fatal: Option<String>,
    strict: Vec<String>,
    /// Names that the writer chose freely are not repeated, nor are durations.
    discreet: bool,
}

enum Step {
    Field(String),
    Index(usize),
    /// A key of a map, which may be anything.
    Key(String),
}

impl Decoder {
    /// A decoder that has found something already.
    pub fn with_finding(finding: Option<String>) -> Self {
        Self {
            strict: finding.into_iter().collect(),
            ..Self::default()
        }
    }

    /// A decoder for a document that holds secrets, perhaps in the wrong place.
    pub fn discreet() -> Self {
        Self {
            discreet: true,
            ..Self::default()
        }
    }

    /// The first type error, else all unknown and duplicate fields in one sentence.
    pub fn finish(self) -> Result<(), DecodeError> {
        match self.fatal {
            Some(fatal) => Err(DecodeError::new(fatal)),
            None if self.strict.is_empty() => Ok(()),
            None => Err(DecodeError::new(format!(
                "strict decoding error: {}",
                self.strict.join(", ")
            ))),
        }
    }

    /// Reads a struct: calls `read` for each member whose name is in `fields`.
    pub fn object(
        &mut self,
        value: Value,
        (go_type, go_struct): (&str, &'static str),
        fields: &[&'static str],
        mut read: impl FnMut(&mut Self, &'static str, Value),
    ) {
        let members = match value {
            Value::Null => return,
            Value::Object(members) => members,
            other => return self.mismatch(&other, go_type),
        };
        self.structs.push(go_struct);
        let mut seen = Vec::new();
        for (name, value) in members {
            self.path.push(Step::Field(name.clone()));
            match fields.iter().find(|field| **field == name) {
                None => self.report("unknown"),
                Some(field) => {
                    if seen.contains(field) {
                        self.report("duplicate");
                    }
                    seen.push(field);
                    read(self, field, value);
                }
            }
            self.path.pop();
        }
        self.structs.pop();
    }

    /// Reads a map: calls `read` for each member.
    pub fn map(
        &mut self,
        value: Value,
        go_type: &str,
        mut read: impl FnMut(&mut Self, String, Value),
    ) {
        let members = match value {
            Value::Null => return,
            Value::Object(members) => members,
            other => return self.mismatch(&other, go_type),
        };
        let mut seen = std::collections::BTreeSet::new();
        for (key, value) in members {
            self.path.push(Step::Key(key.clone()));
            if !seen.insert(key.clone()) {
                self.report("duplicate");
            }
            read(self, key, value);
            self.path.pop();
        }
    }

    /// Reads a list: calls `read` for each element.
    pub fn list(&mut self, value: Value, go_type: &str, mut read: impl FnMut(&mut Self, Value)) {
        let items = match value {
            Value::Null => return,
            Value::Array(items) => items,
            other => return self.mismatch(&other, go_type),
        };
        for (index, item) in items.into_iter().enumerate() {
            self.path.push(Step::Index(index));
            read(self, item);
            self.path.pop();
        }
    }

    /// Reads a list of texts.
    pub fn texts(&mut self, value: Value, target: &mut Vec<String>) {
        target.clear();
        self.list(value, "[]string", |decoder, item| {
            let mut text = String::new();
            decoder.text(&item, "string", &mut text);
            target.push(text);
        });
    }

    /// Reads a text that is no secret.
    pub fn text(&mut self, value: &Value, go_type: &str, target: &mut String) {
        match (value, value.plain_text()) {
            (Value::Null, _) => {}
            (_, Some(text)) => text.clone_into(target),
            _ => self.mismatch(value, go_type),
        }
    }

    /// Reads a text that may be a secret.
    pub fn secret(&mut self, value: Value, target: &mut SecretString) {
        match value {
            Value::Null => {}
            Value::Text(text) => *target = text,
            other => self.mismatch(&other, "string"),
        }
    }

    /// Reads a boolean that may be absent.
    pub fn flag(&mut self, value: &Value, target: &mut Option<bool>) {
        match value {
            Value::Null => *target = None,
            Value::Bool(flag) => *target = Some(*flag),
            other => self.mismatch(other, "bool"),
        }
    }

    /// Reads a time; empty for none.
    pub fn time(&mut self, value: &Value, target: &mut String) {
        match (value, value.plain_text()) {
            (Value::Null, _) => target.clear(),
            (_, Some(text)) => match time::read(text) {
                Some(time) => *target = time,
                None => self.fail(format!(
                    "parsing time {} as \"2006-01-02T15:04:05Z07:00\"",
                    go_quote(text)
                )),
            },
            _ => self.mismatch(value, "string"),
        }
    }

    /// Reads a duration that may be absent.
    pub fn duration(&mut self, value: &Value, target: &mut Option<GoDuration>) {
        match (value, value.plain_text()) {
            (Value::Null, _) => *target = None,
            (_, Some(text)) => match text.parse() {
                Ok(duration) => *target = Some(duration),
                Err(_) if self.discreet => self.mismatch(value, "a Go duration"),
                Err(error) => self.fail(error.to_string()),
            },
            _ => self.mismatch(value, "string"),
        }
    }

    fn mismatch(&mut self, found: &Value, go_type: &str) {
        let found = found.kind();
        let place = match self.structs.last() {
            None => "Go value".to_owned(),
            Some(name) => {
                let fields = self.path.iter().filter_map(|step| match step {
                    Step::Field(name) => Some(name.as_str()),
                    Step::Index(_) | Step::Key(_) => None,
                });
                let fields = fields.collect::<Vec<_>>().join(".");
                format!("Go struct field {name}.{fields}")
            }
        };
        self.fail(format!(
            "json: cannot unmarshal {found} into {place} of type {go_type}"
        ));
    }

    fn fail(&mut self, message: String) {
        self.fatal.get_or_insert(message);
    }

    fn report(&mut self, what: &str) {
        let mut path = String::new();
        for step in &self.path {
            let dot = if path.is_empty() { "" } else { "." };
            // Writing to a String cannot fail.
            let _ = match step {
                Step::Key(_) if self.discreet => write!(path, "{dot}*"),
                Step::Field(name) if self.discreet && !is_plain_word(name) => {
                    write!(path, "{dot}*")
                }
                Step::Field(name) | Step::Key(name) => write!(path, "{dot}{name}"),
                Step::Index(index) => write!(path, "[{index}]"),
            };
        }
        let finding = format!("{what} field {}", go_quote(&path));
        if self.strict.len() < MAX_FINDINGS && !self.strict.contains(&finding) {
            self.strict.push(finding);
        }
    }
}

/// A misspelled field name, rather than a secret in the place of one.
fn is_plain_word(name: &str) -> bool {
    name.len() <= 24 && name.bytes().all(|b| b.is_ascii_alphabetic())
}

/// Where Kubernetes stops counting.
const MAX_FINDINGS: usize = 100;
