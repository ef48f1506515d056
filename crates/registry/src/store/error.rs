//! Failures of the store.

use std::io;
use std::path::{Path, PathBuf};

use crate::image::Digest;

/// A failure of the local store. None of them leaves an incomplete blob.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// The operating system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried: `write`, `rename`.
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The file system (or the user's quota) is full, or will be.
    #[error(
        "not enough space in {}: {needed} bytes are needed and {available} are free; \
         free some space or choose another store", path.display()
    )]
    NoSpace {
        /// The store, or the file that was being written.
        path: PathBuf,
        /// Bytes that the blob or the image takes.
        needed: u64,
        /// Bytes that an ordinary user may still write.
        available: u64,
        /// The error of the operating system.
        source: io::Error,
    },
    /// More or fewer bytes than in the descriptor.
    #[error("{digest} has {actual} bytes, but {expected} in its descriptor")]
    Size {
        /// The blob's name.
        digest: Digest,
        /// The descriptor's size in bytes.
        expected: u64,
        /// Bytes received; when there were too many, the count at which reading stopped.
        actual: u64,
    },
    /// The right number of bytes with another hash.
    #[error("content has digest {actual}, but {expected} was asked for")]
    Mismatch {
        /// The digest in the descriptor.
        expected: Digest,
        /// The digest of the content.
        actual: Digest,
    },
    /// A directory that holds something else.
    #[error("{} is not an OCI image layout: {reason}", path.display())]
    NotALayout {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// An `index.json` that is not an image index. It is left as it is.
    #[error("{} is not an image index: {reason}", path.display())]
    BrokenIndex {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A pull or another removal uses the store.
    #[error("the store is in use, as the lock of {} shows: run this again after the pull", path.display())]
    InUse {
        /// The lock file.
        path: PathBuf,
    },
    /// Another process holds the index lock and does not release it.
    #[error("{} has been locked by another process for more than {seconds} s", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// The time waited.
        seconds: u64,
    },
}

impl LayoutError {
    /// For `map_err`: an I/O failure of `action` on `path`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    /// Like [`Self::io`], but a full disk or quota becomes [`Self::NoSpace`].
    pub(crate) fn write(path: &Path, needed: u64) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                let available = super::free_space::available(&path).unwrap_or(0);
                Self::NoSpace {
                    path,
                    needed,
                    available,
                    source,
                }
            }
            _ => Self::Io {
                action: "write",
                path,
                source,
            },
        }
    }
}
