//! Decoding of a tree into typed values with Kubernetes' strictness (sigs.k8s.io/json,
//! `UnmarshalStrict`): a wrong type is fatal; unknown and duplicate fields are collected.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use secrecy::SecretString;

use crate::duration::GoDuration;
use crate::error::DecodeError;
use crate::quote::go_quote;
use crate::time;
use crate::value::Value;

/// A field of a struct that is read into a `T`.
pub type Field<T> = (&'static str, fn(&mut Decoder, Value, &mut T));

/// A [`Field`] by its name, the method of [`Decoder`] that reads it, and its place in the target.
#[macro_export]
macro_rules! field {
    ($name:literal, $read:ident, $($place:tt)+) => {
        ($name, |decoder, value, into| decoder.$read(value, &mut into.$($place)+))
    };
}

/// Walks a tree and collects its errors. A value that is null leaves its target alone, as in Go,
/// unless the target is a list or may be absent.
pub struct Decoder {
    /// The Go package of the structs.
    package: &'static str,
    path: Vec<Step>,
    /// Go names of the structs being read, outermost first.
    structs: Vec<&'static str>,
    fatal: Option<DecodeError>,
    strict: Vec<String>,
    /// Whether names that the writer chose freely are withheld, and durations.
    discreet: bool,
}

enum Step {
    Field(String),
    Index(usize),
    /// A key of a map, which may be anything.
    Key(String),
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "all readers of a field take the value"
)]
impl Decoder {
    /// A decoder for structs of a Go package; `finding` is an earlier error.
    #[must_use]
    pub fn new(package: &'static str, finding: Option<String>) -> Self {
        Self {
            package,
            path: Vec::new(),
            structs: Vec::new(),
            fatal: None,
            strict: finding.into_iter().collect(),
            discreet: false,
        }
    }

    /// The same for a document that holds secrets, perhaps in the wrong place.
    #[must_use]
    pub fn discreet(mut self) -> Self {
        self.discreet = true;
        self
    }

    /// Ends the decoding.
    ///
    /// # Errors
    /// The first type error, else all unknown and duplicate fields in one sentence.
    pub fn finish(self) -> Result<(), DecodeError> {
        match self.fatal {
            Some(fatal) => Err(fatal),
            None if self.strict.is_empty() => Ok(()),
            None => Err(DecodeError::new(format!(
                "strict decoding error: {}",
                self.strict.join(", ")
            ))),
        }
    }

    /// Reads a struct. The outermost one also has `kind` and `apiVersion`, which are texts.
    pub fn object<T>(
        &mut self,
        value: Value,
        go_struct: &'static str,
        fields: &[Field<T>],
        target: &mut T,
    ) {
        let members = self.members(value, &self.go_type(go_struct));
        let of_type: &[Field<T>] = if self.structs.is_empty() {
            &[("kind", skip_text), ("apiVersion", skip_text)]
        } else {
            &[]
        };
        self.structs.push(go_struct);
        let mut seen = BTreeSet::new();
        for (name, value) in members {
            let known = fields.iter().chain(of_type).find(|field| field.0 == name);
            self.path.push(Step::Field(name));
            match known {
                None => self.report("unknown"),
                Some((name, read)) => {
                    if !seen.insert(name) {
                        self.report("duplicate");
                    }
                    read(self, value, target);
                }
            }
            self.path.pop();
        }
        self.structs.pop();
    }

    /// Reads a list of structs.
    pub fn objects<T: Default>(
        &mut self,
        value: Value,
        go_struct: &'static str,
        fields: &[Field<T>],
        target: &mut Vec<T>,
    ) {
        let go_type = format!("[]{}", self.go_type(go_struct));
        self.list(value, &go_type, target, |decoder, item, into| {
            decoder.object(item, go_struct, fields, into);
        });
    }

    /// Reads a map of structs and passes each to `keep`.
    pub fn map<T: Default>(
        &mut self,
        value: Value,
        go_struct: &'static str,
        fields: &[Field<T>],
        mut keep: impl FnMut(String, T),
    ) {
        let go_type = format!("map[string]{}", self.go_type(go_struct));
        let mut seen = BTreeSet::new();
        for (key, value) in self.members(value, &go_type) {
            self.path.push(Step::Key(key.clone()));
            if !seen.insert(key.clone()) {
                self.report("duplicate");
            }
            let mut read = T::default();
            self.object(value, go_struct, fields, &mut read);
            keep(key, read);
            self.path.pop();
        }
    }

    /// Reads a list of texts.
    pub fn texts(&mut self, value: Value, target: &mut Vec<String>) {
        self.list(value, "[]string", target, Self::text);
    }

    fn list<T: Default>(
        &mut self,
        value: Value,
        go_type: &str,
        target: &mut Vec<T>,
        read: impl Fn(&mut Self, Value, &mut T),
    ) {
        target.clear();
        let items = match value {
            Value::Null => return,
            Value::Array(items) => items,
            other => return self.mismatch(&other, go_type),
        };
        for (index, item) in items.into_iter().enumerate() {
            self.path.push(Step::Index(index));
            let mut one = T::default();
            read(self, item, &mut one);
            target.push(one);
            self.path.pop();
        }
    }

    /// Reads a text that is not a secret.
    pub fn text(&mut self, value: Value, target: &mut String) {
        self.text_of(&value, "string", target);
    }

    /// As [`Self::text`], of a type of the package.
    pub fn word(&mut self, value: Value, go_type: &str, target: &mut String) {
        self.text_of(&value, &self.go_type(go_type), target);
    }

    fn text_of(&mut self, value: &Value, go_type: &str, target: &mut String) {
        if let Some(text) = self.plain(value, go_type) {
            text.clone_into(target);
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
    pub fn flag(&mut self, value: Value, target: &mut Option<bool>) {
        match value {
            Value::Null => *target = None,
            Value::Bool(flag) => *target = Some(flag),
            other => self.mismatch(&other, "bool"),
        }
    }

    /// Reads a time; empty for none.
    pub fn time(&mut self, value: Value, target: &mut String) {
        target.clear();
        if let Some(text) = self.plain(&value, "string") {
            match time::read(text) {
                Some(time) => *target = time,
                None => {
                    let text = go_quote(text);
                    self.fail(format!("parsing time {text} as {RFC_3339:?}"));
                }
            }
        }
    }

    /// Reads a duration that may be absent.
    pub fn duration(&mut self, value: Value, target: &mut Option<GoDuration>) {
        *target = None;
        if let Some(text) = self.plain(&value, "string") {
            match text.parse() {
                Ok(duration) => *target = Some(duration),
                Err(_) if self.discreet => self.mismatch(&value, "a Go duration"),
                Err(error) => self.fail(error.to_string()),
            }
        }
    }

    /// The text of a string; `None` for null, and for a mismatch, which is kept.
    fn plain<'v>(&mut self, value: &'v Value, go_type: &str) -> Option<&'v str> {
        let text = value.plain_text();
        if text.is_none() && !matches!(value, Value::Null) {
            self.mismatch(value, go_type);
        }
        text
    }

    /// The members of an object; none for null, and for a mismatch, which is kept.
    fn members(&mut self, value: Value, go_type: &str) -> Vec<(String, Value)> {
        match value {
            Value::Null => Vec::new(),
            Value::Object(members) => members,
            other => {
                self.mismatch(&other, go_type);
                Vec::new()
            }
        }
    }

    fn go_type(&self, name: &str) -> String {
        format!("{}.{name}", self.package)
    }

    fn mismatch(&mut self, found: &Value, go_type: &str) {
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
        self.fatal.get_or_insert(found.mismatch(&place, go_type));
    }

    fn fail(&mut self, message: String) {
        self.fatal.get_or_insert(DecodeError::new(message));
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

fn skip_text<T>(decoder: &mut Decoder, value: Value, _: &mut T) {
    decoder.text(value, &mut String::new());
}

/// A misspelled field name, rather than a secret in the place of one.
fn is_plain_word(name: &str) -> bool {
    name.len() <= 24 && name.bytes().all(|b| b.is_ascii_alphabetic())
}

/// Go's name of the format.
const RFC_3339: &str = "2006-01-02T15:04:05Z07:00";
/// Where Kubernetes stops counting.
const MAX_FINDINGS: usize = 100;
