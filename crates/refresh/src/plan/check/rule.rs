//! The forms of rules. The error says what is wrong, for a person who wrote the configuration.

use std::collections::BTreeSet;

/// Refuses unless the condition holds.
pub(super) fn require(holds: bool, or_else: impl Into<String>) -> Result<(), String> {
    if holds { Ok(()) } else { Err(or_else.into()) }
}

/// Names may not be empty or occur twice.
pub(super) fn unique<'a>(
    what: &str,
    names: impl IntoIterator<Item = &'a String>,
) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for name in names {
        let is_new = !name.is_empty() && seen.insert(name);
        require(is_new, format!("{what} {name:?} is empty or occurs twice"))?;
    }
    Ok(())
}
