//! A JSON or YAML document as a small tree that keeps order and duplicate keys.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};

use crate::error::DecodeError;

/// A JSON value. Every text is a secret until a decoder knows better. The formats read here have no
/// numbers, so their values are not kept.
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
    /// The word of Go's decoder for the type.
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

    /// Go's sentence for a value that does not fit the type of `place`.
    #[must_use]
    pub fn mismatch(&self, place: &str, go_type: &str) -> DecodeError {
        let found = self.kind();
        DecodeError::new(format!(
            "json: cannot unmarshal {found} into {place} of type {go_type}"
        ))
    }

    /// The last member with exactly this name, if this is an object.
    pub fn member(&self, name: &str) -> Option<&Self> {
        let Self::Object(members) = self else {
            return None;
        };
        let (_, value) = members.iter().rev().find(|(key, _)| key == name)?;
        Some(value)
    }

    /// The text, for a caller that knows it is not a secret.
    pub fn plain_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text.expose_secret()),
            _ => None,
        }
    }

    /// The text at `place` of a document; `None` for null.
    ///
    /// # Errors
    /// `PLACE: expected EXPECTED` for any other type.
    pub fn text_of(&self, place: &str, expected: &str) -> Result<Option<&str>, DecodeError> {
        match (self, self.plain_text()) {
            (Self::Null, _) => Ok(None),
            (_, Some(text)) => Ok(Some(text)),
            _ => Err(DecodeError::new(format!("{place}: expected {expected}"))),
        }
    }

    /// The value after a conversion from YAML through Go's maps: the last of equal keys, and keys in
    /// byte order.
    pub fn sorted(self) -> Self {
        match self {
            Self::Array(items) => Self::Array(items.into_iter().map(Self::sorted).collect()),
            Self::Object(members) => {
                let members = members
                    .into_iter()
                    .map(|(key, value)| (key, value.sorted()));
                let last: BTreeMap<_, _> = members.collect();
                Self::Object(last.into_iter().collect())
            }
            other => other,
        }
    }
}

/// The field that Go's `encoding/json` matches with a key.
#[must_use]
pub fn field_of(key: &str, fields: &[&'static str]) -> Option<&'static str> {
    fields.iter().find(|field| folds_to(key, field)).copied()
}

/// Whether Go's `encoding/json` matches a key with a field: equal without regard to case. Two letters
/// outside ASCII fold into ASCII: the long s and the Kelvin sign.
pub fn folds_to(key: &str, field: &str) -> bool {
    let fold = |c: char| match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        c => c.to_ascii_lowercase(),
    };
    key.chars().map(fold).eq(field.chars().map(fold))
}
