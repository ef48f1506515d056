//! A document as a small tree that keeps order and duplicate keys, for JSON and YAML alike.

use secrecy::{ExposeSecret, SecretString};

/// A JSON value. Every text is a secret until a decoder says it is not; numbers have no use in
/// these formats, so theirs is not kept.
#[derive(Clone, Debug)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// Any number.
    Number,
    /// A string.
    Text(SecretString),
    /// A list.
    Array(Vec<Self>),
    /// Members in document order, duplicates included.
    Object(Vec<(String, Self)>),
}

impl Value {
    /// The word that Go's decoder has for the type found.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Number => "number",
            Self::Text(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }

    /// Go's sentence for a value of another type than the place in `place` has.
    #[must_use]
    pub fn mismatch(&self, place: &str, go_type: &str) -> String {
        let found = self.kind();
        format!("json: cannot unmarshal {found} into {place} of type {go_type}")
    }

    /// The last member of that exact name, if this is an object.
    pub fn member(&self, name: &str) -> Option<&Self> {
        let Self::Object(members) = self else {
            return None;
        };
        members
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, v)| v)
    }

    /// The text, where it is known to be no secret.
    pub fn plain_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text.expose_secret()),
            _ => None,
        }
    }

    /// What a conversion from YAML by way of Go's maps leaves: the last of equal keys, and keys in
    /// byte order.
    pub fn sorted(self) -> Self {
        match self {
            Self::Array(items) => Self::Array(items.into_iter().map(Self::sorted).collect()),
            Self::Object(members) => {
                let mut last = std::collections::BTreeMap::new();
                for (key, value) in members {
                    last.insert(key, value.sorted());
                }
                Self::Object(last.into_iter().collect())
            }
            other => other,
        }
    }
}

/// Whether Go's `encoding/json` takes a key for a field: equal without regard to case. Two letters
/// outside ASCII fold into it: the long s and the Kelvin sign.
pub fn folds_to(key: &str, field: &str) -> bool {
    let fold = |c: char| match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        c => c.to_ascii_lowercase(),
    };
    key.chars().map(fold).eq(field.chars().map(fold))
}
