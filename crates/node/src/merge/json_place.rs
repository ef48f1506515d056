//! The end of the providers in JSON.

use secrecy::zeroize::Zeroizing;

use super::insertion::Insertion;
use crate::entries::Entries;

/// Where the entries go: after the last item of the list, in its layout. `None` if the list is not found
/// or is empty.
pub(super) fn insertion(text: &str, entries: &Entries) -> Option<Insertion> {
    let list = list(text)?;
    let inner = &text[list.clone()];
    let last = inner.trim_end();
    if last.trim_start().is_empty() {
        return None;
    }
    let at = list.start + last.len();
    // The indentation of the first item, if it is on a line of its own.
    let before = &inner[..inner.len() - inner.trim_start().len()];
    let indent = before.rsplit_once('\n').map(|(_, indent)| indent);
    let mut new = Zeroizing::new(String::from(","));
    if let Some(indent) = indent {
        new.push('\n');
        new.push_str(indent);
    }
    new.push_str(&entries.json(indent));
    Some(Insertion { at, text: new })
}

/// The bytes between the brackets of the member `providers` of the outermost object.
fn list(text: &str) -> Option<std::ops::Range<usize>> {
    let mut depth = 0_u32;
    let mut start = None;
    let mut key = "";
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                let mut is_escaped = false;
                let end = chars.find(|(_, c)| {
                    let ends = *c == '"' && !is_escaped;
                    is_escaped = *c == '\\' && !is_escaped;
                    ends
                })?;
                if depth == 1 {
                    key = &text[at + 1..end.0];
                }
            }
            '{' | '[' => {
                depth += 1;
                if c == '[' && depth == 2 && key == "providers" {
                    start = Some(at + 1);
                }
            }
            '}' | ']' => {
                depth = depth.checked_sub(1)?;
                if let (']', 1, Some(start)) = (c, depth, start) {
                    return Some(start..at);
                }
            }
            ',' if depth == 1 => key = "",
            _ => {}
        }
    }
    None
}
