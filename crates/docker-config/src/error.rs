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
    #[error("cannot change {}", path.display())]
    Document {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: DocumentError,
    },
    /// A symbolic link leads to a file of another owner.
    #[error(
        "cannot change {}: a symbolic link leads there, and its owner is not {owner}",
        path.display()
    )]
    Link {
        /// Where the link leads.
        path: PathBuf,
        /// The owner that was asked for.
        owner: String,
    },
    /// An unknown owner.
    #[error("the user or group {0:?} does not exist on this machine")]
    Owner(String),
}

impl FileError {
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }
}
