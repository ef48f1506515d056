//! One AWS configuration file, read as aws-sdk-go-v2 reads it (`config/internal/ini`): nothing in it
//! is an error.
//!
//! The Rust SDK's own reader refuses a whole file for one line.

use std::collections::BTreeMap;

/// The sections of a file by name; `[profile  dev]` has the name `profile dev`.
pub(super) type Sections = BTreeMap<String, Section>;

/// The settings of a section. Has no `Debug`: they may be keys.
#[derive(Clone, Default)]
pub(crate) struct Section {
    pub(super) values: BTreeMap<String, Value>,
    /// Whether the file has one half of an access key in it and not the other.
    pub(crate) has_half_a_key: bool,
}

/// A setting's text, which is empty if other settings are indented below it.
#[derive(Clone, Default)]
pub(super) struct Value {
    pub(super) text: String,
    pub(super) nested: BTreeMap<String, String>,
}

impl Section {
    /// The text of a setting; an empty one counts as not set.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        let text = self.values.get(key)?.text.as_str();
        Some(text).filter(|text| !text.is_empty())
    }
}

/// The sections, and the numbers of the lines that are ignored: outside of every section, not a
/// setting, a section's name without its `]`.
pub(super) fn parse(text: &str) -> (Sections, Vec<usize>) {
    let (mut sections, mut ignored) = (Sections::new(), Vec::new());
    // The section and the setting that a line belongs to.
    let (mut name, mut key) = (String::new(), String::new());
    for (number, line) in (1..).zip(text.split('\n')) {
        let trimmed = line.trim_start_matches(BLANKS);
        if line.trim().is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(section) = section_name(line) {
            if !section.is_empty() {
                sections.entry(section.clone()).or_default();
            }
            (name, key) = (section, String::new());
            continue;
        }
        let Some(section) = sections.get_mut(&name) else {
            ignored.push(number);
            continue;
        };
        let is_indented = trimmed.len() < line.len();
        let setting = if is_indented {
            // A comment is a part of what is indented.
            split(trimmed)
        } else {
            split(without_comment(line).trim_end_matches(BLANKS))
        };
        let above = section.values.get_mut(&key);
        match (setting, above) {
            (Some((nested, value)), Some(above)) if is_indented && above.text.is_empty() => {
                above.nested.insert(nested, value);
            }
            (Some((own, mut value)), _) => {
                if is_indented {
                    value = without_comment(&value).trim().to_owned();
                }
                let value = Value {
                    text: value,
                    nested: BTreeMap::new(),
                };
                section.values.insert(own.clone(), value);
                key = own;
            }
            (None, Some(above)) if is_indented && !above.text.is_empty() => {
                above.text.push('\n');
                above.text.push_str(trimmed);
            }
            (None, _) => ignored.push(number),
        }
    }
    (sections, ignored)
}

/// The name in a line such as `[ profile  dev ] # comment`; the empty one for `[]`.
fn section_name(line: &str) -> Option<String> {
    let line = line.split(['#', ';']).next().unwrap_or_default().trim();
    let name = line.strip_prefix('[')?.strip_suffix(']')?.trim();
    Some(match name.split_once(BLANKS) {
        Some((kind, name)) => format!("{kind} {}", name.trim_start_matches(BLANKS)),
        None => name.to_owned(),
    })
}

/// The key in lower case and the value, by the first `=` or `:`.
fn split(line: &str) -> Option<(String, String)> {
    let (key, value) = line.split_once(['=', ':'])?;
    Some((key.trim().to_lowercase(), unquoted(value.trim()).to_owned()))
}

fn unquoted(text: &str) -> &str {
    let within = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    within('\'').or_else(|| within('"')).unwrap_or(text)
}

/// A comment begins after a blank.
fn without_comment(line: &str) -> &str {
    let begins = [" #", " ;", "\t#", "\t;"].into_iter();
    begins.fold(line, |line, comment| {
        line.split(comment).next().unwrap_or(line)
    })
}

const BLANKS: [char; 2] = [' ', '\t'];

#[cfg(test)]
mod tests;
