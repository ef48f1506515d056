//! Why a release was not packed.

use std::io;
use std::path::{Path, PathBuf};

use regcred_registry::LayoutError;

/// A release that cannot be packed.
#[derive(Debug, thiserror::Error)]
pub enum DistError {
    /// A file is missing, or cannot be read or written.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A target whose architecture has no known name.
    #[error("{0} is not a Linux target with a known architecture")]
    Target(String),
    /// The source has no plugins.
    #[error("{} has no plugins", .0.display())]
    NoPlugins(PathBuf),
    /// An archive in memory that cannot be made: a path that is too long for tar.
    #[error("cannot pack {path}")]
    Archive {
        /// The path in the archive.
        path: String,
        /// Why it failed.
        source: io::Error,
    },
    /// A list of packages that is not JSON.
    #[error("cannot read the list of packages {}", path.display())]
    Sbom {
        /// The CycloneDX document.
        path: PathBuf,
        /// Why it failed.
        source: serde_json::Error,
    },
    /// The RPM package.
    #[error("cannot make the RPM package")]
    Rpm(#[from] rpm::Error),
    /// The image layout.
    #[error(transparent)]
    Layout(#[from] LayoutError),
}

impl DistError {
    /// For `map_err`: a failure of `action` on `path`.
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File {
            action,
            path,
            source,
        }
    }
}
