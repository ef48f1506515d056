//! The writer of one blob: counts and hashes what it writes, and publishes it by rename only when
//! both match the descriptor.

use std::sync::Arc;

use regcred_files::Directory;

use super::directories::Directories;
use super::error::LayoutError;
use super::ingest::{self, Temporary};
use crate::image::{Descriptor, Digest, Hasher};

/// A blob being written. Dropped before [`BlobWriter::finish`], it leaves a long beginning for the
/// next writer, and removes a short or a wrong one.
///
/// All methods block on file I/O: an async caller uses them on a blocking thread.
#[derive(Debug)]
pub struct BlobWriter {
    temporary: Temporary,
    /// The directory in which the blob gets its name.
    target: Arc<Directory>,
    durable: bool,
    digest: Digest,
    size: u64,
    written: u64,
    /// Bytes at the beginning that an earlier writer wrote and that are not hashed yet.
    unhashed: u64,
    hasher: Hasher,
}

impl BlobWriter {
    pub(super) fn create(
        directories: &Directories,
        durable: bool,
        descriptor: &Descriptor,
    ) -> Result<Self, LayoutError> {
        let stem = ingest::file_stem(&descriptor.digest);
        let temporary = Temporary::create(directories.ingest()?, &stem, descriptor.size)?;
        Self::of(temporary, 0, directories, durable, descriptor)
    }

    /// Continues what a dead writer left, if anything.
    pub(super) fn resume(
        directories: &Directories,
        durable: bool,
        descriptor: &Descriptor,
    ) -> Result<Self, LayoutError> {
        let ingest = directories.ingest()?;
        match Temporary::take_over(ingest, &descriptor.digest, descriptor.size) {
            Some((file, length)) => Self::of(file, length, directories, durable, descriptor),
            None => Self::create(directories, durable, descriptor),
        }
    }

    fn of(
        temporary: Temporary,
        length: u64,
        directories: &Directories,
        durable: bool,
        descriptor: &Descriptor,
    ) -> Result<Self, LayoutError> {
        let target = directories.make_algorithm(descriptor.digest.algorithm())?;
        Ok(Self {
            temporary,
            target: target.clone(),
            durable,
            size: descriptor.size,
            written: length,
            unhashed: length,
            hasher: descriptor.digest.hasher(),
            digest: descriptor.digest.clone(),
        })
    }

    /// The offset of the next byte: what an earlier writer left, and what was written since.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.written
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// [`LayoutError::Size`] as soon as there are more bytes than in the descriptor;
    /// [`LayoutError::NoSpace`] on a full disk.
    pub fn write(&mut self, chunk: &[u8]) -> Result<(), LayoutError> {
        self.temporary.keep(false);
        let written = self.written + chunk.len() as u64;
        if written > self.size {
            return Err(self.wrong_size(written));
        }
        self.hash_beginning()?;
        self.temporary.write(chunk)?;
        self.hasher.update(chunk);
        self.written = written;
        self.temporary.keep(written >= WORTH_KEEPING);
        Ok(())
    }

    /// Checks size, then hash, and renames the file to the blob. A second writer of the same blob
    /// may have been faster: both files are equal, and the last rename wins.
    ///
    /// # Errors
    /// [`LayoutError::Size`], [`LayoutError::Mismatch`]; then nothing is published.
    pub fn finish(mut self) -> Result<(), LayoutError> {
        self.temporary.keep(false);
        self.hash_beginning()?;
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
        let name = self.digest.encoded();
        self.temporary.publish(&self.target, name, self.durable)
    }

    /// Whether another running writer of the same blob was first. Of two that start at the same
    /// moment exactly one yields, decided by the names of their temporary files.
    pub(crate) fn should_yield(&self) -> bool {
        let own = self.temporary.name();
        ingest::writers_of(self.temporary.directory(), &self.digest)
            .any(|other| other.as_str() < own)
    }

    fn hash_beginning(&mut self) -> Result<(), LayoutError> {
        let length = std::mem::take(&mut self.unhashed);
        if length == 0 {
            return Ok(());
        }
        self.temporary
            .read_back(length, |bytes| self.hasher.update(bytes))
    }

    fn wrong_size(&self, actual: u64) -> LayoutError {
        LayoutError::Size {
            digest: self.digest.clone(),
            expected: self.size,
            actual,
        }
    }
}

/// A beginning of fewer bytes is not worth another request.
const WORTH_KEEPING: u64 = 1 << 20;
