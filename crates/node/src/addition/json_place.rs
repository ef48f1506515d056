//! The end of the providers in JSON.

use regcred_go::json;
use secrecy::zeroize::Zeroizing;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::insertion::Insertion;
use crate::new_entry::NewEntry;

#[derive(Deserialize)]
struct Written<'a> {
    #[serde(borrow)]
    providers: &'a RawValue,
}

/// Where the entries go: after the last item of the list, in its layout. `None` if the list is not found
/// or is empty.
pub(super) fn insertion(text: &str, entries: &[NewEntry]) -> Option<Insertion> {
    let list = serde_json::from_str::<Written<'_>>(text)
        .ok()?
        .providers
        .get();
    let start = list.as_ptr().addr() - text.as_ptr().addr() + 1;
    let items = list.strip_prefix('[')?.strip_suffix(']')?;
    let last = items.trim_end();
    let first = &items[..items.len() - items.trim_start().len()];
    if last.len() <= first.len() {
        return None;
    }
    // The last line of the list is as far from its beginning as the items are from theirs.
    let closing = &items[last.len()..];
    let (before, unit) = match first.rsplit_once('\n') {
        Some((_, blanks)) => {
            let outer = closing.rsplit_once('\n').map_or("", |(_, blanks)| blanks);
            (format!("\n{blanks}"), blanks.strip_prefix(outer)?)
        }
        None => (String::new(), ""),
    };
    let mut new = Zeroizing::new(String::new());
    for entry in entries {
        new.push(',');
        new.push_str(&before);
        if unit.is_empty() {
            new.push_str(&entry.json);
            continue;
        }
        let lines = Zeroizing::new(json::indent(&entry.json, unit));
        for (at, line) in lines.split('\n').enumerate() {
            if at > 0 {
                new.push_str(&before);
            }
            new.push_str(line);
        }
    }
    Some(Insertion {
        at: start + last.len(),
        text: new,
    })
}
