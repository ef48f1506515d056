//! The value of a document's nodes: aliases, merge keys, and the keys that JSON can have.

use std::collections::HashSet;
use std::rc::Rc;

use super::compose::{Content, Node};
use super::scalar::{Scalar, float_key};
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

/// Evaluates the root of a document.
pub(super) fn document(root: &Node) -> Result<Document, DecodeError> {
    let mut evaluation = Evaluation::default();
    let value = evaluation.value(root)?;
    Ok(Document {
        value,
        duplicates: evaluation.duplicates,
    })
}

#[derive(Default)]
struct Evaluation {
    duplicates: Vec<String>,
    alias_depth: usize,
    /// Nodes that were evaluated for an alias.
    replayed: usize,
}

/// The members of a mapping so far.
#[derive(Default)]
struct Members {
    list: Vec<(String, Value)>,
    /// In Go's notation, which distinguishes `1` from `"1"`.
    keys: HashSet<String>,
}

type Pairs = [(Rc<Node>, Rc<Node>)];

impl Evaluation {
    fn value(&mut self, node: &Node) -> Result<Value, DecodeError> {
        self.count()?;
        match &node.content {
            Content::Scalar(Scalar::Null) => Ok(Value::Null),
            Content::Scalar(Scalar::Bool(flag)) => Ok(Value::Bool(*flag)),
            Content::Scalar(Scalar::Float(number)) if !number.is_finite() => {
                let name = if number.is_nan() {
                    "NaN"
                } else if *number > 0.0 {
                    "+Inf"
                } else {
                    "-Inf"
                };
                let what = format!("json: unsupported value: {name}");
                Err(DecodeError::new(what))
            }
            Content::Scalar(Scalar::Int(_) | Scalar::Float(_)) => Ok(Value::Number),
            Content::Scalar(Scalar::Text(text)) => Ok(Value::Text(text.clone().into())),
            Content::Merge => Ok(Value::Text("<<".into())),
            Content::List(items) => {
                let items = items.iter().map(|item| self.value(item));
                Ok(Value::Array(items.collect::<Result<_, _>>()?))
            }
            Content::Map(pairs) => {
                let mut members = Members::default();
                self.fill(&mut members, pairs)?;
                Ok(Value::Object(members.list))
            }
            Content::Alias(target) => {
                self.alias_depth += 1;
                let value = self.value(target);
                self.alias_depth -= 1;
                value
            }
        }
    }

    /// Counts a node that is evaluated for an alias: a short document can have very many of them.
    fn count(&mut self) -> Result<(), DecodeError> {
        self.replayed += usize::from(self.alias_depth > 0);
        if self.replayed > MOST_REPLAYED {
            let what = "yaml: document contains excessive aliasing";
            return Err(DecodeError::new(what));
        }
        Ok(())
    }

    /// Sets the members of a mapping; a later one counts, also after or before a merge.
    fn fill(&mut self, members: &mut Members, pairs: &Pairs) -> Result<(), DecodeError> {
        for (key, value) in pairs {
            if matches!(key.content, Content::Merge) {
                self.merge(members, value)?;
                continue;
            }
            let (name, notation) = self.key(key)?;
            // Go names the line of the value.
            let line = value.line;
            let value = self.value(value)?;
            if !members.keys.insert(notation.clone()) {
                let duplicate = format!("line {line}: key {notation} already set in map");
                self.duplicates.push(duplicate);
            }
            members.list.push((name, value));
        }
        Ok(())
    }

    fn merge(&mut self, members: &mut Members, node: &Node) -> Result<(), DecodeError> {
        if let Content::List(items) = &node.content {
            // Of equal keys that of the first mapping counts.
            let mut items = items.iter().rev();
            return items.try_for_each(|item| self.merge_one(members, item));
        }
        self.merge_one(members, node)
    }

    fn merge_one(&mut self, members: &mut Members, node: &Node) -> Result<(), DecodeError> {
        self.count()?;
        match &node.content {
            Content::Map(pairs) => self.fill(members, pairs),
            Content::Alias(target) if matches!(target.content, Content::Map(_)) => {
                self.alias_depth += 1;
                let merged = self.merge_one(members, target);
                self.alias_depth -= 1;
                merged
            }
            _ => Err(DecodeError::new(
                "yaml: map merge requires map or sequence of maps as the value",
            )),
        }
    }

    /// A key as JSON has it, and in Go's notation.
    fn key(&mut self, node: &Node) -> Result<(String, String), DecodeError> {
        match &node.content {
            Content::Alias(target) => self.key(target),
            Content::Scalar(Scalar::Text(text)) => Ok((text.clone(), go_quote(text))),
            Content::Scalar(Scalar::Bool(flag)) => Ok((flag.to_string(), flag.to_string())),
            Content::Scalar(Scalar::Int(number)) if i64::try_from(*number).is_ok() => {
                Ok((number.to_string(), number.to_string()))
            }
            Content::Scalar(Scalar::Float(number)) => Ok((float_key(*number), float_key(*number))),
            _ => Err(DecodeError::new(format!(
                "yaml: line {}: this key is neither a text nor a number nor a boolean",
                node.line
            ))),
        }
    }
}

const MOST_REPLAYED: usize = 100_000;
