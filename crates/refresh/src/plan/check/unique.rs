//! Names that may occur only once.

use std::collections::BTreeSet;

pub(super) fn names<'a>(
    what: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for name in names {
        if name.is_empty() || !seen.insert(name) {
            return Err(format!("{what} {name:?} is empty or occurs twice"));
        }
    }
    Ok(())
}
