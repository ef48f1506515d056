//! Why a list on this machine cannot be read or changed.

use std::io;
use std::path::{Path, PathBuf};

/// A failure of the store. The lists are as they were.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A file or directory cannot be read or written.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// The verb.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A list has a file that is not the record of an image.
    #[error(
        "cannot use {} of the manifest list {list}: {reason}; remove the list with `regcred manifest rm \
         {list}` and create it again", path.display()
    )]
    Broken {
        /// The list.
        list: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The store's names for two images of a list are the same.
    #[error("the names of {0} and {1} are the same in docker's store: a list cannot have both")]
    SameName(String, String),
}

impl StoreError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            action,
            path: path.to_path_buf(),
            source,
        }
    }
}
