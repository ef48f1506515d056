//! A file of the store that processes lock.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use regcred_files::open_lock;

use super::error::LayoutError;

/// Opens the lock file of this name, and creates it with its directory if they do not exist. The path is
/// for messages.
pub(super) fn open(directory: &Path, name: &str) -> Result<(File, PathBuf), LayoutError> {
    fs::create_dir_all(directory).map_err(LayoutError::io("create", directory))?;
    let path = directory.join(name);
    let file = open_lock(&path, 0o666).map_err(LayoutError::io("open", &path))?;
    Ok((file, path))
}
