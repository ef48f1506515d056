//! A file of `EnvironmentFile=`, as systemd reads it (systemd.exec(5)), and one edit of it: words at the
//! end of a variable's value.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::NodeError;
use crate::lines::joined;
use crate::words::{Blanks, split};

/// The variables that a file sets; the last of a name counts. Quotes around a value, or parts of it, are
/// removed.
pub(crate) fn variables(text: &str) -> BTreeMap<String, String> {
    let lines = joined(text).into_iter();
    let assignments = lines.filter_map(|(_, line)| {
        let (name, value) = line.split_once('=')?;
        let value = split(value.trim(), Blanks::OfWords).concat();
        Some((name.trim().to_owned(), value))
    });
    assignments.collect()
}

/// The lines of the file.
#[derive(Debug)]
pub(crate) struct EnvironmentFile<'a> {
    lines: Vec<Line<'a>>,
}

#[derive(Debug)]
struct Line<'a> {
    /// With its line break.
    text: &'a str,
    content: Content<'a>,
}

#[derive(Debug)]
enum Content<'a> {
    /// Empty, or a comment.
    Nothing,
    /// `NAME=VALUE` on one line, not quoted or quoted as a whole.
    Assignment {
        name: &'a str,
        quote: &'static str,
        value: &'a str,
    },
    /// Anything else.
    Other,
}

impl<'a> EnvironmentFile<'a> {
    pub(crate) fn parse(text: &'a str) -> Self {
        let line = |text| Line {
            text,
            content: content(text),
        };
        Self {
            lines: text.split_inclusive('\n').map(line).collect(),
        }
    }

    /// The text with words added to the value of a variable, in the value's own quotes. The variable is
    /// added if it is not there.
    pub(crate) fn adding(&self, file: &Path, name: &str, words: &str) -> Result<String, NodeError> {
        let unclear = self
            .lines
            .iter()
            .position(|line| matches!(line.content, Content::Other));
        if let Some(at) = unclear {
            return Err(NodeError::at(
                file,
                at + 1,
                "this line is not NAME=VALUE on one line, unquoted or quoted as a whole",
                format!("write it so, or add to the value of {name} by hand: {words}"),
            ));
        }
        let is_it = |line: &Line<'_>| matches!(line.content, Content::Assignment { name: n, .. } if n == name);
        let place = self.lines.iter().rposition(is_it);
        let mut text = String::new();
        for (at, line) in self.lines.iter().enumerate() {
            match line.content {
                Content::Assignment { quote, value, .. } if Some(at) == place => {
                    let end = if line.text.ends_with('\n') { "\n" } else { "" };
                    let blank = if value.is_empty() { "" } else { " " };
                    let quote = if value.is_empty() { "\"" } else { quote };
                    text += &format!("{name}={quote}{value}{blank}{words}{quote}{end}");
                }
                _ => text += line.text,
            }
        }
        if place.is_none() {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
            text += &format!("{name}=\"{words}\"\n");
        }
        Ok(text)
    }
}

fn content(line: &str) -> Content<'_> {
    let line = line.trim_end_matches(['\n', '\r']).trim();
    if line.is_empty() || line.starts_with(['#', ';']) {
        return Content::Nothing;
    }
    let Some((name, value)) = line.split_once('=') else {
        return Content::Other;
    };
    let is_name = |name: &str| {
        let mut bytes = name.bytes();
        let first = bytes
            .next()
            .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
        first && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    let value = value.trim();
    let inner = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    let (quote, value) = match (inner('"'), inner('\'')) {
        _ if value.len() == 1 && value != "\"" && value != "'" => ("", value),
        (Some(inner), _) if value.len() > 1 => ("\"", inner),
        (_, Some(inner)) if value.len() > 1 => ("'", inner),
        _ => ("", value),
    };
    let is_plain = !value.contains('\\')
        && match quote {
            "" => !value.contains(['"', '\'']),
            quote => !value.contains(quote),
        };
    if !is_name(name) || !is_plain {
        return Content::Other;
    }
    Content::Assignment { name, quote, value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(text: &str) -> Result<String, String> {
        let file = EnvironmentFile::parse(text);
        let done = file.adding(Path::new("/etc/default/kubelet"), "ARGS", "--a --b");
        done.map_err(|error| error.to_string())
    }

    #[test]
    fn words_are_added_in_the_quotes_that_are_there() {
        for (before, after) in [
            ("", "ARGS=\"--a --b\"\n"),
            ("ARGS=\n", "ARGS=\"--a --b\"\n"),
            ("ARGS=\"\"", "ARGS=\"--a --b\""),
            ("ARGS=--x=1\n", "ARGS=--x=1 --a --b\n"),
            (
                "# c\nARGS=\"--x=1 -y\"\nB=2\n",
                "# c\nARGS=\"--x=1 -y --a --b\"\nB=2\n",
            ),
            ("ARGS='--x=\"1\"'\n", "ARGS='--x=\"1\" --a --b'\n"),
            ("ARGS=--old\nARGS=--x\n", "ARGS=--old\nARGS=--x --a --b\n"),
            ("B=2", "B=2\nARGS=\"--a --b\"\n"),
        ] {
            assert_eq!(added(before).expect(before), after);
        }
    }

    #[test]
    fn a_line_that_is_not_understood_is_named() {
        for (text, line) in [
            ("ARGS=--x \\\n  --y\n", 1),
            ("# c\nexport ARGS=--x\n", 2),
            ("ARGS=\"--x\" --y\n", 1),
            ("B=\"open\nARGS=1\n", 1),
            ("text\n", 1),
        ] {
            let why = added(text).expect_err(text);
            assert!(
                why.starts_with(&format!("/etc/default/kubelet:{line}: ")),
                "{why}"
            );
            assert!(why.ends_with("by hand: --a --b"), "{why}");
        }
    }
}
