//! The nodes of a document from the parser's events.

use std::collections::HashMap;
use std::rc::Rc;

use granit_parser::{Event, Options, Parser, ScalarStyle, Span, StrInput, Tag};

use super::scalar::{Scalar, resolve};
use crate::error::DecodeError;

/// A node, and the line where it is written.
pub(super) struct Node {
    pub(super) line: usize,
    /// How deeply it is nested, the nodes of aliases included.
    height: usize,
    pub(super) content: Content,
}

pub(super) enum Content {
    Scalar(Scalar),
    /// The key of a merge, `<<`.
    Merge,
    List(Vec<Rc<Node>>),
    Map(Vec<(Rc<Node>, Rc<Node>)>),
    /// The node of an anchor.
    Alias(Rc<Node>),
}

impl Content {
    fn height(&self) -> usize {
        let highest = match self {
            Self::Scalar(_) | Self::Merge => None,
            Self::List(items) => items.iter().map(|item| item.height).max(),
            Self::Map(members) => {
                let members = members.iter();
                members
                    .map(|(key, value)| key.height.max(value.height))
                    .max()
            }
            Self::Alias(target) => Some(target.height),
        };
        1 + highest.unwrap_or_default()
    }
}

/// Reads one document after another.
pub(super) struct Composer<'a> {
    parser: Parser<'a, StrInput<'a>>,
    /// By the parser's number. An alias never names an anchor of an earlier document.
    anchors: HashMap<usize, Rc<Node>>,
}

impl<'a> Composer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        // Another crate of the build may enable the parser's feature `comments`.
        let mut options = Options::default();
        options.set_emit_comments(false);
        Self {
            parser: Parser::new_from_str_with_options(text, options),
            anchors: HashMap::new(),
        }
    }

    /// The root of the next document; `None` at the end of the stream.
    pub(super) fn document(&mut self) -> Result<Option<Rc<Node>>, DecodeError> {
        while let Some((event, _)) = self.event()? {
            if matches!(event, Event::DocumentStart(..)) {
                return self.node();
            }
        }
        Ok(None)
    }

    /// The next node; `None` at the end of the list, mapping or stream that contains it.
    fn node(&mut self) -> Result<Option<Rc<Node>>, DecodeError> {
        let Some((event, span)) = self.event()? else {
            return Ok(None);
        };
        let line = span.start.line();
        let (anchor, content) = match event {
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                Some(node) => (0, Content::Alias(node.clone())),
                None => return Err(DecodeError::new("yaml: an anchor's value contains itself")),
            },
            Event::Scalar(text, style, anchor, tag) => {
                // For an absent node the parser has a text of its own.
                let text = if span.is_empty() { "" } else { &*text };
                (anchor, scalar(text, style, tag.as_deref(), line)?)
            }
            Event::SequenceStart(_, anchor, _) => {
                let mut items = Vec::new();
                while let Some(item) = self.node()? {
                    items.push(item);
                }
                (anchor, Content::List(items))
            }
            Event::MappingStart(_, anchor, _) => {
                let mut members = Vec::new();
                while let Some(key) = self.node()? {
                    let value = self.node()?.ok_or_else(|| refused(line))?;
                    members.push((key, value));
                }
                (anchor, Content::Map(members))
            }
            _ => return Ok(None),
        };
        let height = content.height();
        if height > MOST_NESTED {
            return Err(DecodeError::new("yaml: document is nested too deeply"));
        }
        let node = Rc::new(Node {
            line,
            height,
            content,
        });
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(Some(node))
    }

    fn event(&mut self) -> Result<Option<(Event<'a>, Span)>, DecodeError> {
        let event = self.parser.next_event().transpose();
        event.map_err(|error| refused(error.marker().line()))
    }
}

fn scalar(
    text: &str,
    style: ScalarStyle,
    tag: Option<&Tag>,
    line: usize,
) -> Result<Content, DecodeError> {
    let is_plain = style == ScalarStyle::Plain;
    let tag = tag.map(|tag| format!("{}{}", tag.handle(), tag.suffix()));
    let tag = match tag.as_deref() {
        Some("!") => Some("str"),
        Some(tag) => Some(tag.strip_prefix("tag:yaml.org,2002:").unwrap_or(tag)),
        None if is_plain => None,
        None => Some("str"),
    };
    if text == "<<" && matches!(tag, None | Some("merge")) {
        return Ok(Content::Merge);
    }
    let scalar = resolve(text, tag).ok_or_else(|| refused(line))?;
    Ok(Content::Scalar(scalar))
}

fn refused(line: usize) -> DecodeError {
    DecodeError::new(format!("yaml: line {line}: this is not valid YAML"))
}

/// Nodes within nodes: a chain of aliases can be longer than any stack.
const MOST_NESTED: usize = 1000;
