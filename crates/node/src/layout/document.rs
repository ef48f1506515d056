//! A configuration file of a node in YAML.

use std::path::Path;

use regcred_go::Value;
use regcred_go::yaml::parse_first;

use crate::error::NodeError;

/// The first document; `None` if the file has none.
pub(super) fn document(file: &Path, text: &str) -> Result<Option<Value>, NodeError> {
    let parsed = parse_first(text.as_bytes());
    let (document, _) = parsed.map_err(|error| {
        NodeError::at(
            file,
            None,
            error.to_string(),
            "correct the file, and run this again",
        )
    })?;
    Ok(document.map(|document| document.value))
}
