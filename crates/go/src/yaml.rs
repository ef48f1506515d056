//! YAML read into the same tree as JSON, with YAML 1.1's words for booleans, as the kubelet's
//! decoder (sigs.k8s.io/yaml) has them.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;
use serde_saphyr::options::DuplicateKeyPolicy;

use crate::error::DecodeError;
use crate::quote::go_quote;
use crate::value::Value;

/// One document of a YAML stream.
pub struct Document {
    /// Its content, with members in document order and duplicates kept.
    pub value: Value,
    /// A line for every key that was set before in the same mapping, as Go's decoder words it.
    pub duplicates: Vec<String>,
}

/// Reads all documents that are not empty.
///
/// # Errors
/// With the line number, without the text.
pub fn parse(input: &[u8]) -> Result<Vec<Document>, DecodeError> {
    let text = check_utf8(input)?;
    serde_saphyr::from_multiple_with_options(text, options()).map_err(|error| refused(&error))
}

/// Reads the first document that is not empty, as a kubelet does, and says whether something follows
/// it.
///
/// # Errors
/// As [`parse`]; what follows may be anything.
pub fn parse_first(mut input: &[u8]) -> Result<(Option<Document>, bool), DecodeError> {
    check_utf8(input)?;
    let mut documents = serde_saphyr::read_with_options(&mut input, options());
    let first: Option<Document> = documents
        .next()
        .transpose()
        .map_err(|error: serde_saphyr::Error| refused(&error))?;
    let has_more = first.is_some() && documents.next().is_some();
    Ok((first, has_more))
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        legacy_octal_numbers: true,
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 100_000 },
    }
}

fn check_utf8(input: &[u8]) -> Result<&str, DecodeError> {
    std::str::from_utf8(input).map_err(|_| DecodeError::new("yaml: invalid leading UTF-8 octet"))
}

fn refused(error: &serde_saphyr::Error) -> DecodeError {
    DecodeError::new(match error.location() {
        Some(place) => format!("yaml: line {}: this is not valid YAML", place.line()),
        None => "yaml: this is not valid YAML".to_owned(),
    })
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Tree)
    }
}

struct Tree;

impl Document {
    fn leaf<E>(value: Value) -> Result<Self, E> {
        Ok(Self {
            value,
            duplicates: Vec::new(),
        })
    }
}

impl<'de> Visitor<'de> for Tree {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON can hold")
    }

    fn visit_unit<E>(self) -> Result<Document, E> {
        Document::leaf(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Document, E> {
        Document::leaf(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Document, E> {
        Document::leaf(Value::Bool(flag))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Document, E> {
        Document::leaf(Value::Number)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Document, E> {
        Document::leaf(Value::Number)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Document, E> {
        Document::leaf(Value::Number)
    }

    fn visit_str<E>(self, text: &str) -> Result<Document, E> {
        Document::leaf(Value::Text(text.into()))
    }

    fn visit_string<E>(self, text: String) -> Result<Document, E> {
        Document::leaf(Value::Text(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Document, A::Error> {
        let (mut items, mut duplicates) = (Vec::new(), Vec::new());
        while let Some(item) = list.next_element::<Document>()? {
            items.push(item.value);
            duplicates.extend(item.duplicates);
        }
        Ok(Document {
            value: Value::Array(items),
            duplicates,
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
        let (mut members, mut duplicates) = (Vec::<(String, Value)>::new(), Vec::new());
        while let Some(key) = map.next_key::<String>()? {
            let item = map.next_value::<Spanned<Document>>()?;
            // Go names the line of the value.
            let (line, item) = (item.referenced.line(), item.value);
            duplicates.extend(item.duplicates);
            if members.iter().any(|(other, _)| *other == key) {
                duplicates.push(format!(
                    "line {line}: key {} already set in map",
                    go_quote(&key)
                ));
            }
            members.push((key, item.value));
        }
        Ok(Document {
            value: Value::Object(members),
            duplicates,
        })
    }
}

#[cfg(test)]
mod tests;
