//! The writer of one blob: counts and hashes what it writes, and publishes it by rename only when
//! both match the descriptor.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::LayoutError;
use super::ingest::{self, Temporary};
use crate::image::{Descriptor, Digest, Hasher};

/// A blob being written. Dropped before [`BlobWriter::finish`], it removes what it wrote.
///
/// All methods block on file I/O: an async caller uses them on a blocking thread.
#[derive(Debug)]
pub struct BlobWriter {
    temporary: Temporary,
    /// The blob's final path.
    target: PathBuf,
    durable: bool,
    digest: Digest,
    size: u64,
    written: u64,
    hasher: Hasher,
}

impl BlobWriter {
    pub(super) fn create(
        ingest: &Path,
        target: PathBuf,
        durable: bool,
        descriptor: &Descriptor,
    ) -> Result<Self, LayoutError> {
        let digest = descriptor.digest.clone();
        let stem = ingest::file_stem(&digest);
        Ok(Self {
            hasher: digest.hasher(),
            temporary: Temporary::create(ingest, &stem, descriptor.size)?,
            target,
            durable,
            size: descriptor.size,
            written: 0,
            digest,
        })
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// [`LayoutError::Size`] as soon as there are more bytes than in the descriptor;
    /// [`LayoutError::NoSpace`] on a full disk.
    pub fn write(&mut self, chunk: &[u8]) -> Result<(), LayoutError> {
        let written = self.written + chunk.len() as u64;
        if written > self.size {
            return Err(self.wrong_size(written));
        }
        self.temporary.write(chunk)?;
        self.hasher.update(chunk);
        self.written = written;
        Ok(())
    }

    /// Checks size, then hash, and renames the file to the blob. A second writer of the same blob
    /// may have been faster: both files are equal, and the last rename wins.
    ///
    /// # Errors
    /// [`LayoutError::Size`], [`LayoutError::Mismatch`]; then nothing is published.
    pub fn finish(self) -> Result<(), LayoutError> {
        if self.written != self.size {
            return Err(self.wrong_size(self.written));
        }
        let actual = self.hasher.finish();
        if actual != self.digest {
            return Err(LayoutError::Mismatch {
                expected: self.digest,
                actual,
            });
        }
        if let Some(directory) = self.target.parent().filter(|d| !d.is_dir()) {
            fs::create_dir_all(directory).map_err(LayoutError::io("create", directory))?;
        }
        self.temporary.publish(&self.target, self.durable)
    }

    /// Whether another running writer of the same blob was first. Of two that start at the same
    /// moment exactly one yields, decided by the names of their temporary files.
    pub(crate) fn should_yield(&self) -> bool {
        let own = self.temporary.path();
        let directory = own.parent().unwrap_or(Path::new(""));
        ingest::writers_of(directory, &self.digest, Some(own))
            .iter()
            .any(|other| other.as_path() < own)
    }

    fn wrong_size(&self, actual: u64) -> LayoutError {
        LayoutError::Size {
            digest: self.digest.clone(),
            expected: self.size,
            actual,
        }
    }
}
