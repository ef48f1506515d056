//! The configuration of a node with more entries.

use std::path::Path;

use regcred_api::{CredentialProviderConfig, decode_config};

use crate::addition::{NotAdded, add_entries};
use crate::entries::Entries;
use crate::error::NodeError;

/// The configuration with the entries at its end.
///
/// # Errors
/// When the kubelet does not read it today, or it is in a form that is not edited.
pub(crate) fn merged(file: &Path, text: &str, entries: &Entries) -> Result<Vec<u8>, NodeError> {
    let before = decode(file, text)?;
    let added = add_entries(text, &before, &entries.written());
    let why = match added {
        Ok(mut added) => return Ok(std::mem::take(&mut *added).into_bytes()),
        Err(why) => why,
    };
    Err(match why {
        NotAdded::SeveralDocuments => NodeError::at(
            file,
            None,
            why.to_string(),
            "remove the others, and run this again",
        ),
        NotAdded::Unread(_) => NodeError::at(
            file,
            None,
            why.to_string(),
            "set apiVersion: kubelet.config.k8s.io/v1 in it, and run this again",
        ),
        NotAdded::Layout => {
            let line = text
                .lines()
                .position(|line| line.trim_start().starts_with("providers"));
            let names: Vec<_> = entries.names().collect();
            NodeError::at(
                file,
                line.map(|line| line + 1),
                "its list of providers is neither a YAML list with an entry on lines of its own nor JSON",
                format!(
                    "write it so, or add {} to it by hand, from `regcred config generate`",
                    names.join(", ")
                ),
            )
        }
    })
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

#[cfg(test)]
mod tests;
