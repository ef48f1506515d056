//! A file on its way into an archive.

use crate::DistError;
use crate::release::{Release, read};

/// A file of an archive.
#[derive(Clone, Debug)]
pub(crate) struct Packed {
    /// From the root, without a slash at its beginning.
    pub(crate) path: String,
    pub(crate) mode: u32,
    pub(crate) content: Vec<u8>,
}

impl Packed {
    pub(crate) fn text(path: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        Self {
            path: path.into(),
            mode: 0o644,
            content: content.into(),
        }
    }

    /// A program that was built, in a directory of the archive.
    pub(crate) fn program(
        release: &Release,
        name: &str,
        directory: &str,
    ) -> Result<Self, DistError> {
        Ok(Self {
            path: format!("{directory}/{name}"),
            mode: 0o755,
            content: read(&release.programs.join(name))?,
        })
    }
}
