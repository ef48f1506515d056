//! Entries put at the end of a configuration that is there: everything else stays as it is written.

mod insertion;
mod json_place;
mod yaml_place;

use std::path::Path;

use regcred_api::{CredentialProviderConfig, ProviderEntry, decode_config};

use crate::entries::Entries;
use crate::error::NodeError;

use insertion::Insertion;

/// The configuration with the entries at its end.
///
/// # Errors
/// When the kubelet does not read it today, or it is in a form that is not edited.
pub(crate) fn merged(file: &Path, text: &str, entries: &Entries) -> Result<Vec<u8>, NodeError> {
    let before = decode(file, text)?;
    if before.has_more {
        return Err(NodeError::at(
            file,
            None,
            "it has several YAML documents, of which a kubelet reads the first alone",
            "remove the others, and run this again",
        ));
    }
    let insertion = if text.trim_start().starts_with('{') {
        json_place::insertion(text, entries)
    } else {
        yaml_place::insertion(text, entries)
    };
    let merged = insertion.map(|Insertion { at, text: new }| {
        let mut merged = Vec::with_capacity(text.len() + new.len());
        merged.extend_from_slice(&text.as_bytes()[..at]);
        merged.extend_from_slice(new.as_bytes());
        merged.extend_from_slice(&text.as_bytes()[at..]);
        merged
    });
    let added = entries.names().count();
    let is_right = |merged: &Vec<u8>| {
        let after = decode_config(merged);
        after.is_ok_and(|after| {
            let (old, new) = after
                .providers
                .split_at(after.providers.len().saturating_sub(added));
            old.len() == before.providers.len()
                && old
                    .iter()
                    .zip(&before.providers)
                    .all(|(a, b)| is_same(a, b))
                && new
                    .iter()
                    .map(|entry| entry.name.as_str())
                    .eq(entries.names())
        })
    };
    if let Some(merged) = merged {
        if is_right(&merged) {
            return Ok(merged);
        }
        // As when the file's version does not have a field of the entry.
        if let Err(error) = decode_config(&merged) {
            return Err(NodeError::at(
                file,
                None,
                format!("with the new entries a kubelet does not read it: {error}"),
                "set apiVersion: kubelet.config.k8s.io/v1 in it, and run this again",
            ));
        }
    }
    let line = text
        .lines()
        .position(|line| line.trim_start().starts_with("providers"));
    let names: Vec<_> = entries.names().collect();
    Err(NodeError::at(
        file,
        line.map(|line| line + 1),
        "its list of providers is neither a YAML list with an entry on lines of its own nor JSON",
        format!(
            "write it so, or add {} to it by hand, from `regcred config generate`",
            names.join(", ")
        ),
    ))
}

/// The configuration, if the kubelet reads it today.
pub(crate) fn decode(file: &Path, text: &str) -> Result<CredentialProviderConfig, NodeError> {
    decode_config(text.as_bytes()).map_err(|error| {
        NodeError::at(
            file,
            None,
            format!("a kubelet does not read this configuration: {error}"),
            "correct it, as `regcred check` shows, and run this again",
        )
    })
}

/// Equal in all that can be compared without taking secrets out.
fn is_same(a: &ProviderEntry, b: &ProviderEntry) -> bool {
    let variables = |entry: &ProviderEntry| -> Vec<String> {
        entry.env.iter().map(|(name, _)| name.clone()).collect()
    };
    (&a.name, &a.match_images, &a.api_version, &a.args)
        == (&b.name, &b.match_images, &b.api_version, &b.args)
        && a.default_cache_duration == b.default_cache_duration
        && a.token_attributes == b.token_attributes
        && variables(a) == variables(b)
}

#[cfg(test)]
mod tests;
