//! A docker configuration file on this machine. An edit changes some entries and leaves everything
//! else as it is written.

use std::path::{Path, PathBuf};

use regcred_api::docker_config::Format;
use secrecy::{ExposeSecret as _, SecretString};

use crate::document::{Document, DocumentError};
use crate::error::FileError;
use crate::text_file::{Change, MAX_FILE, TextEdit, TextFile};

/// A file, and the owner and permissions it should have.
#[derive(Clone, Debug)]
pub struct DockerFile {
    /// The file's path.
    pub path: PathBuf,
    /// `user`, `user:group` or numbers; `None` keeps the file's owner.
    pub owner: Option<String>,
    /// Permissions; `None` keeps the file's, and makes a new file 0600.
    pub mode: Option<u32>,
}

impl DockerFile {
    /// A file that keeps its owner and permissions.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            owner: None,
            mode: None,
        }
    }

    /// Edits the configuration and writes the file if something changed; with `dry_run` only
    /// returns what would happen.
    ///
    /// # Errors
    /// When the file cannot be read or written, is not a docker configuration, or another program
    /// holds its directory's lock for more than 10 s.
    pub fn edit<T>(
        &self,
        dry_run: bool,
        edit: impl FnOnce(&mut Document) -> Result<T, DocumentError>,
    ) -> Result<(Change, T), FileError> {
        let file = TextFile {
            path: &self.path,
            owner: self.owner.as_deref(),
            mode: self.mode,
        };
        file.edit(dry_run, |path, text| {
            let unusable = |source| FileError::Document(path.to_owned(), source);
            let mut document =
                Document::parse(text.expose_secret(), Format::ConfigJson).map_err(unusable)?;
            let result = edit(&mut document).map_err(unusable)?;
            Ok(TextEdit {
                text: document.pretty(),
                is_changed: document.is_changed(),
                result,
            })
        })
    }
}

/// Reads a whole file, of 4 MiB at most; it may hold logins.
///
/// # Errors
/// When it does not exist, is larger, is not UTF-8, or cannot be read.
pub fn read(path: &Path) -> Result<SecretString, FileError> {
    regcred_files::read_secret(path, MAX_FILE).map_err(FileError::io("read", path))
}

#[cfg(test)]
mod tests;
