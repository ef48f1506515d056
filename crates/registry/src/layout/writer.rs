//! One blob on its way into the store: counted and hashed as it is written, published by rename
//! only when both agree with the descriptor.

use std::path::Path;

use super::ingest::{self, Temporary};
use super::{Layout, LayoutError};
use crate::{Descriptor, Digest, Hasher};

/// A blob being written. Dropped before [`BlobWriter::finish`], it removes what it wrote.
///
/// All methods block on file I/O: an async caller uses them on a blocking thread.
#[derive(Debug)]
pub struct BlobWriter {
    layout: Layout,
    temporary: Temporary,
    digest: Digest,
    size: u64,
    written: u64,
    hasher: Hasher,
}

impl BlobWriter {
    pub(super) fn create(layout: &Layout, descriptor: &Descriptor) -> Result<Self, LayoutError> {
        let digest = descriptor.digest.clone();
        Ok(Self {
            hasher: digest.hasher(),
            temporary: Temporary::create(
                &layout.ingest(),
                &ingest::file_stem(&digest),
                descriptor.size,
            )?,
            layout: layout.clone(),
            size: descriptor.size,
            written: 0,
            digest,
        })
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// [`LayoutError::Size`] as soon as there are more bytes than the descriptor says;
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

    /// Bytes written so far.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Checks size, then hash, and gives the blob its name. A second writer of the same blob may
    /// have been faster: both files are proven equal, and the last rename wins.
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
        let target = self.layout.blob_path(&self.digest);
        self.layout.create_blob_directory(&self.digest)?;
        self.temporary.publish(&target, self.layout.is_durable())
    }

    /// True when another living writer of the same blob was there first. Of two that start at the
    /// same moment exactly one yields, decided by the names of their temporary files.
    pub(crate) fn should_yield(&self) -> bool {
        let own: &Path = self.temporary.path();
        ingest::writers_of(&self.layout.ingest(), &self.digest, Some(own))
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
