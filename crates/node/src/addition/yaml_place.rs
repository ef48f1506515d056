//! The end of the providers in YAML.

use regcred_go::yaml::{Step, line_of};
use secrecy::zeroize::Zeroizing;

use super::insertion::Insertion;
use crate::new_entry::NewEntry;

/// Where the entries go: after the last line of the last item, of which there are `count`, with its
/// indentation. `None` for a list that is not one item on each line.
pub(super) fn insertion(text: &str, count: usize, entries: &[NewEntry]) -> Option<Insertion> {
    let item = |at| {
        line_of(
            text.as_bytes(),
            &[Step::Member("providers"), Step::Item(at)],
        )
    };
    let lines: Vec<_> = text.split_inclusive('\n').collect();
    let blanks = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let first = lines.get(item(0)?.checked_sub(1)?)?;
    let (indent, content) = first.split_at(blanks(first));
    if !content.starts_with("- ") {
        return None;
    }
    let last = item(count.checked_sub(1)?)?;
    let is_empty = |line: &str| matches!(line.trim_start().chars().next(), None | Some('#'));
    // The last item ends before the first line that is not further to the right than its dash.
    let mut rest = lines.iter().enumerate().skip(last);
    let end = rest.find(|(_, line)| !is_empty(line) && blanks(line) <= indent.len());
    let mut end = end.map_or(lines.len(), |(at, _)| at);
    while end > last && is_empty(lines[end - 1]) {
        end -= 1;
    }
    let at = lines[..end].iter().map(|line| line.len()).sum();
    let mut new = Zeroizing::new(String::new());
    if !text[..at].ends_with('\n') {
        new.push('\n');
    }
    for line in entries
        .iter()
        .flat_map(|entry| entry.yaml.split_inclusive('\n'))
    {
        new.push_str(indent);
        new.push_str(line);
    }
    Some(Insertion { at, text: new })
}
