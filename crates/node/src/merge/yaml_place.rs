//! The end of the providers in YAML.

use regcred_go::yaml::{Step, line_of};
use secrecy::zeroize::Zeroizing;

use super::insertion::Insertion;
use crate::entries::Entries;

/// Where the entries go: after the last line of the last item, with its indentation. `None` for a list
/// that is not a block.
pub(super) fn insertion(text: &str, entries: &Entries) -> Option<Insertion> {
    let key = line_of(text.as_bytes(), &[Step::Member("providers")])?;
    let first = line_of(text.as_bytes(), &[Step::Member("providers"), Step::Item(0)])?;
    let lines: Vec<_> = text.split_inclusive('\n').collect();
    // The first item's dash is on its own line or, with a comment in between, above it.
    let first = (key..first).rev().find(|at| is_item(lines[*at]))?;
    let indent = indent(lines[first]);
    let is_inside = |line: &&str| {
        let content = line.trim();
        let deep = self::indent(line).len();
        content.is_empty()
            || content.starts_with('#')
            || deep > indent.len()
            || (deep == indent.len() && is_item(line))
    };
    let inside = lines[first..].iter().take_while(|line| is_inside(line));
    let counts = |line: &&&str| !line.trim().is_empty() && !line.trim().starts_with('#');
    let last = inside.enumerate().filter(|(_, line)| counts(line)).last()?;
    let at = lines[..=first + last.0].iter().map(|line| line.len()).sum();
    let ended = text[..at].ends_with('\n');
    let mut new = Zeroizing::new(String::new());
    if !ended {
        new.push('\n');
    }
    new.push_str(&entries.yaml(indent));
    if !ended {
        new.pop();
    }
    Some(Insertion { at, text: new })
}

fn is_item(line: &str) -> bool {
    let content = line.trim();
    content == "-" || content.starts_with("- ")
}

fn indent(line: &str) -> &str {
    &line[..line.len() - line.trim_start_matches(' ').len()]
}
