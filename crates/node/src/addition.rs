//! Entries put at the end of a configuration's list: everything else stays as it is written.

mod insertion;
mod json_place;
mod yaml_place;

use regcred_api::{CredentialProviderConfig, DecodeError, decode_config};
use secrecy::zeroize::Zeroizing;
use thiserror::Error;

use crate::new_entry::NewEntry;

use insertion::Insertion;

/// Why entries are not added to a configuration.
#[derive(Debug, Error)]
pub enum NotAdded {
    /// It has more than one document.
    #[error("it has several YAML documents, and a kubelet reads the first only")]
    SeveralDocuments,
    /// Its list of providers is written in a form that is not edited.
    #[error(
        "nothing can be added to its layout without a change of the rest: write `providers` as a list of one \
         item on each line"
    )]
    Layout,
    /// A kubelet does not read it with the entries, as when the file's version does not have one of
    /// their fields.
    #[error("with the new entries a kubelet does not read it: {0}")]
    Unread(DecodeError),
}

/// The text of a configuration with entries after those that it has, YAML or JSON. `before` is that
/// configuration.
///
/// # Errors
/// When the text with the entries would be another configuration than both together.
pub fn add_entries(
    text: &str,
    before: &CredentialProviderConfig,
    entries: &[NewEntry],
) -> Result<Zeroizing<String>, NotAdded> {
    if before.has_more {
        return Err(NotAdded::SeveralDocuments);
    }
    if entries.is_empty() {
        return Ok(Zeroizing::new(text.to_owned()));
    }
    let insertion = if text.trim_start().starts_with('{') {
        json_place::insertion(text, entries)
    } else {
        yaml_place::insertion(text, before.providers.len(), entries)
    };
    let Insertion { at, text: new } = insertion.ok_or(NotAdded::Layout)?;
    let mut added = Zeroizing::new(String::with_capacity(text.len() + new.len()));
    let (head, tail) = text.split_at(at);
    for part in [head, &new, tail] {
        added.push_str(part);
    }
    let after = decode_config(added.as_bytes()).map_err(NotAdded::Unread)?;
    let mut kept = before.providers.iter().zip(&after.providers);
    let is_kept = kept.all(|(old, new)| old.is_same(new));
    let new = after.providers.iter().skip(before.providers.len());
    let is_added = new
        .map(|entry| &entry.name)
        .eq(entries.iter().map(|entry| &entry.name));
    if !is_kept || !is_added || after.has_more {
        return Err(NotAdded::Layout);
    }
    Ok(added)
}
