//! Why a docker configuration file could not be read or changed.

use std::io;
use std::path::{Path, PathBuf};

use crate::document::DocumentError;

/// A file that could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system refused an operation.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// The operation, as a verb.
        what: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The file is not a docker configuration and stays as it is.
    #[error("cannot change {}", .0.display())]
    Document(PathBuf, #[source] DocumentError),
    /// A symbolic link leads to this file, which another user than the wanted one owns.
    #[error("cannot change {path}: a symbolic link leads there, and its owner is not {1}", path = .0.display())]
    Link(PathBuf, String),
    /// It may be another file: users besides root may change a directory on its path.
    #[error(
        "cannot change {path}: users besides root may change a directory on its path, and it belongs to uid \
         {1} or has several names",
        path = .0.display()
    )]
    Foreign(PathBuf, u32),
    /// An unknown owner.
    #[error("the user or group {0:?} does not exist on this machine")]
    Owner(String),
}

impl FileError {
    /// What to do about it.
    #[must_use]
    pub fn next_step(&self) -> &'static str {
        match self {
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::PermissionDenied => {
                    "let this user write the file and its directory, or name another file"
                }
                io::ErrorKind::ReadOnlyFilesystem => "mount it writable, or name another file",
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free space there",
                _ => "correct the path, or name another file",
            },
            Self::Document(..) => "correct the file, or move it away",
            Self::Link(..) => "name the file itself, or its owner",
            Self::Foreign(..) => "remove it, or give it the owner that it should have",
            Self::Owner(_) => "correct the owner",
        }
    }

    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }
}
