//! Words of a unit file: separated by blanks, with quotes, and with variables in them.

use std::collections::BTreeMap;

/// What becomes of quotes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Quoting {
    /// They are removed, and blanks outside them separate words.
    Removed,
    /// They are removed, and blanks outside them belong to the word: the value of an environment file.
    RemovedWithBlanks,
}

/// The words of a text. A backslash takes its meaning from the next character.
pub(super) fn split(text: &str, quoting: Quoting) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let is_separator = c.is_whitespace() && quoting == Quoting::Removed;
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some('\''), c) => word.get_or_insert_default().push(c),
            (_, '\\') => word.get_or_insert_default().extend(chars.next()),
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, _) if is_separator => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// The words of one word after its variables were replaced: `$NAME` alone is split at blanks, `${NAME}`
/// is not, and `$$` is a dollar sign.
pub(super) fn expanded(word: &str, environment: &BTreeMap<String, String>) -> Vec<String> {
    let value = |name: &str| {
        environment
            .get(name)
            .map(String::as_str)
            .unwrap_or_default()
    };
    if let Some(name) = word.strip_prefix('$').filter(|name| is_name(name)) {
        return split(value(name), Quoting::Removed);
    }
    let mut out = String::new();
    let mut rest = word;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let variable = after
            .strip_prefix('{')
            .and_then(|after| after.split_once('}'));
        rest = match variable {
            Some((name, after)) if is_name(name) => {
                out.push_str(value(name));
                after
            }
            _ => {
                out.push('$');
                after.strip_prefix('$').unwrap_or(after)
            }
        };
    }
    out.push_str(rest);
    vec![out]
}

fn is_name(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !text.is_empty() && !text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(is_part)
}
