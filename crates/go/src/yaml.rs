//! YAML read into the same tree as JSON, as the kubelet's and kubectl's decoder does (sigs.k8s.io/yaml
//! over go.yaml.in/yaml/v2): plain scalars by its resolver, merge keys by its order.

mod compose;
mod encoding;
mod evaluate;
mod place;
mod scalar;

use crate::error::DecodeError;
use crate::value::Value;
use compose::Composer;
use encoding::decode;

pub use evaluate::Document;
pub use place::{Step, line_of};

/// Reads all documents that are not empty.
///
/// # Errors
/// A syntax error, with the line number and without the text.
pub fn parse(input: &[u8]) -> Result<Vec<Document>, DecodeError> {
    let text = decode(input)?;
    let mut stream = Composer::new(&text);
    let mut documents = Vec::new();
    while let Some(document) = next(&mut stream)? {
        if !matches!(document.value, Value::Null) {
            documents.push(document);
        }
    }
    Ok(documents)
}

/// Reads the first document as the kubelet does, empty or not, and whether anything follows it. `None`
/// for an empty document.
///
/// # Errors
/// As [`parse`], for the first document only.
pub fn parse_first(input: &[u8]) -> Result<(Option<Document>, bool), DecodeError> {
    let text = decode(input)?;
    let mut stream = Composer::new(&text);
    let Some(first) = next(&mut stream)? else {
        return Ok((None, false));
    };
    let is_more = |next: Result<Document, _>| {
        !next.is_ok_and(|document| matches!(document.value, Value::Null))
    };
    let mut rest = std::iter::from_fn(|| next(&mut stream).transpose());
    let has_more = rest.any(is_more);
    let first = (!matches!(first.value, Value::Null)).then_some(first);
    Ok((first, has_more))
}

fn next(stream: &mut Composer<'_>) -> Result<Option<Document>, DecodeError> {
    let node = stream.document()?;
    node.map(|node| evaluate::document(&node)).transpose()
}

#[cfg(test)]
mod tests;
