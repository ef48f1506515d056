//! `oci-layout`, the file by which a layout is known.

use std::io::ErrorKind;

use regcred_files::MIB;

use super::directories::{BLOBS, Directories, INGEST};
use super::error::LayoutError;
use super::index_file::INDEX;
use super::ingest::Temporary;

/// Whether the layout has it.
pub(super) fn is_present(directories: &Directories) -> Result<bool, LayoutError> {
    let root = directories.root();
    let text = match root.read(MARKER, MIB) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(LayoutError::io("read", &root.path().join(MARKER))(error)),
    };
    let marker: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
    match marker["imageLayoutVersion"].as_str() {
        Some(VERSION) => Ok(true),
        Some(other) => Err(not_a_layout(
            directories,
            format!("it has version {other:?}"),
        )),
        None => Err(not_a_layout(
            directories,
            "its oci-layout file has no version".into(),
        )),
    }
}

/// Writes it.
pub(super) fn write(directories: &Directories) -> Result<(), LayoutError> {
    let mut marker = Temporary::create(directories.ingest()?, MARKER, TEXT.len() as u64)?;
    marker.write(TEXT.as_bytes())?;
    marker.publish(directories.root(), MARKER, true)
}

/// A new layout is created only in a directory that is missing, empty, or partly created by us.
pub(super) fn refuse_foreign_content(directories: &Directories) -> Result<(), LayoutError> {
    let root = directories.root();
    let failed = || LayoutError::io("read", root.path());
    for name in root.names().map_err(failed())? {
        let name = name.map_err(failed())?;
        if ![BLOBS, INGEST, INDEX, MARKER]
            .iter()
            .any(|own| name == *own)
        {
            let reason =
                format!("it holds {name:?} and no oci-layout file; name an empty directory");
            return Err(not_a_layout(directories, reason));
        }
    }
    Ok(())
}

fn not_a_layout(directories: &Directories, reason: String) -> LayoutError {
    LayoutError::NotALayout {
        path: directories.root().path().to_owned(),
        reason,
    }
}

const MARKER: &str = "oci-layout";
const VERSION: &str = "1.0.0";
const TEXT: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;
