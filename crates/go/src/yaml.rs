//! YAML read into the same tree as JSON, with the booleans of YAML 1.1, as the kubelet's decoder
//! (sigs.k8s.io/yaml) does.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;
use serde_saphyr::options::DuplicateKeyPolicy;

use crate::error::DecodeError;
use crate::quote::go_quote;
use crate::value::Value;

/// One document of a YAML stream.
pub struct Document {
    /// The content, with members in document order and duplicates kept.
    pub value: Value,
    /// A line for each key that is repeated in its mapping, in the words of Go's decoder.
    pub duplicates: Vec<String>,
}

/// Reads all documents that are not empty.
///
/// # Errors
/// A syntax error, with the line number and without the text.
pub fn parse(input: &[u8]) -> Result<Vec<Document>, DecodeError> {
    let text = check_utf8(input)?;
    serde_saphyr::from_multiple_with_options(text, options()).map_err(|error| refused(&error))
}

/// Reads the first document that is not empty, as the kubelet does, and whether anything follows it.
///
/// # Errors
/// As [`parse`], for the first document only.
pub fn parse_first(input: &[u8]) -> Result<(Option<Document>, bool), DecodeError> {
    let (first, rest) = split_first(check_utf8(input)?);
    let mut documents = parse(first.as_bytes())?;
    if documents.is_empty() {
        // An explicit null, which is empty too.
        documents = parse(rest.as_bytes())?;
        let has_more = documents.len() > 1;
        return Ok((documents.into_iter().next(), has_more));
    }
    let is_last = parse(rest.as_bytes()).is_ok_and(|documents| documents.is_empty());
    Ok((documents.pop(), !is_last))
}

/// The text up to the end of the first document with content, and what follows. Markers between
/// documents are at the start of a line, where no scalar may have them.
fn split_first(text: &str) -> (&str, &str) {
    let (mut end, mut has_content) = (0, false);
    for line in text.split_inclusive('\n') {
        let content = line.trim_start_matches('\u{feff}').trim_end();
        let marked = ["---", "..."].iter().find_map(|m| content.strip_prefix(m));
        let marked = marked.filter(|rest| rest.is_empty() || rest.starts_with([' ', '\t']));
        if marked.is_some() && has_content {
            break;
        }
        let content = marked.unwrap_or(content).trim_start();
        has_content |= !content.is_empty() && !content.starts_with(['#', '%']);
        end += line.len();
    }
    text.split_at(end)
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

fn leaf<E>(value: Value) -> Result<Document, E> {
    let duplicates = Vec::new();
    Ok(Document { value, duplicates })
}

impl<'de> Visitor<'de> for Tree {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON can hold")
    }

    fn visit_unit<E>(self) -> Result<Document, E> {
        leaf(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Document, E> {
        leaf(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Document, E> {
        leaf(Value::Bool(flag))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Document, E> {
        leaf(Value::Number)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Document, E> {
        leaf(Value::Number)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Document, E> {
        leaf(Value::Number)
    }

    fn visit_str<E>(self, text: &str) -> Result<Document, E> {
        leaf(Value::Text(text.into()))
    }

    fn visit_string<E>(self, text: String) -> Result<Document, E> {
        leaf(Value::Text(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Document, A::Error> {
        let (mut items, mut duplicates) = (Vec::new(), Vec::new());
        while let Some(item) = list.next_element::<Document>()? {
            items.push(item.value);
            duplicates.extend(item.duplicates);
        }
        let value = Value::Array(items);
        Ok(Document { value, duplicates })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
        let (mut members, mut duplicates) = (Vec::<(String, Value)>::new(), Vec::new());
        while let Some(key) = map.next_key::<String>()? {
            let item = map.next_value::<Spanned<Document>>()?;
            // Go names the line of the value.
            let (line, item) = (item.referenced.line(), item.value);
            duplicates.extend(item.duplicates);
            if members.iter().any(|(other, _)| *other == key) {
                let key = go_quote(&key);
                duplicates.push(format!("line {line}: key {key} already set in map"));
            }
            members.push((key, item.value));
        }
        let value = Value::Object(members);
        Ok(Document { value, duplicates })
    }
}

#[cfg(test)]
mod tests;
