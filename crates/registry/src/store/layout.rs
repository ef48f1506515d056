//! The local store: an OCI image layout (image-spec `image-layout.md`) that several processes may
//! fill at once and that a kill or a power cut cannot corrupt.
//!
//! * A blob is written under `ingest/`, counted and hashed on the way, and renamed into `blobs/`
//!   when size and digest match. A file with a blob's name and the right size is complete.
//! * `index.json` is replaced by rename, under a lock, after everything it names is on the disk.
//!   What other tools wrote into it stays.
//! * Two writers of one blob are both right, and the last rename wins. To save the second
//!   download, a pull waits for a running writer of the same blob.
//! * The next writer continues what a killed or interrupted one left, within a day, and the whole is
//!   verified.
//!
//! An image has its full name in `index.json` (`docker.io/library/nginx:latest`), because a store
//! holds images of many repositories and a bare tag would collide. `skopeo inspect
//! oci:DIRECTORY:NAME`, podman, umoci and `ctr images import` all accept that form.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use regcred_files::{Directory, Links};
use rustix::fs::FileType;

use super::blob_writer::BlobWriter;
use super::directories::{ALGORITHMS, Directories};
use super::error::LayoutError;
use super::free_space;
use super::index_file::{self, IndexFile};
use super::ingest::{self, Beginnings};
use super::marker;
use super::usage;
use crate::image::{Descriptor, Digest};

/// An OCI image layout on disk, held by its open directories: it stays the one that was opened, also where another
/// directory gets its path. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Layout {
    directories: Arc<Directories>,
    durable: bool,
}

/// What was removed from a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// How many blobs.
    pub blobs: usize,
    /// Their bytes.
    pub bytes: u64,
}

impl Layout {
    /// Opens the layout at `root`, or creates an empty one there, which its owner alone can read. Removes what
    /// dead writers left. Symbolic links are followed as in [`Layout::open_to_change`].
    ///
    /// # Errors
    /// [`LayoutError::NotALayout`] for a directory that holds something else or a layout of
    /// another version; [`LayoutError::Io`].
    pub fn open_or_create(root: impl Into<PathBuf>) -> Result<Self, LayoutError> {
        let layout = Self::of(Directories::make(&root.into())?);
        if marker::is_present(&layout.directories)? {
            let is_missing = |digest: &Digest| !layout.has_file(digest);
            if let Some(ingest) = layout.directories.present_ingest() {
                ingest::sweep(ingest, is_missing);
            }
            return Ok(layout);
        }
        marker::refuse_foreign_content(&layout.directories)?;
        layout.directories.make_algorithm(ALGORITHMS[0])?;
        layout.index().create()?;
        marker::write(&layout.directories)?;
        Ok(layout)
    }

    /// Opens the layout at `root` to be read; `None` if it does not exist. Writes nothing.
    ///
    /// # Errors
    /// [`LayoutError::NotALayout`] for a layout of another version; [`LayoutError::Io`].
    pub fn open(root: impl Into<PathBuf>) -> Result<Option<Self>, LayoutError> {
        Self::present(&root.into(), Links::Any)
    }

    /// As [`Layout::open`], to change what is in it. A symbolic link that another user may have placed is
    /// refused, and for root also a directory of another user.
    ///
    /// # Errors
    /// As [`Layout::open`].
    pub fn open_to_change(root: impl Into<PathBuf>) -> Result<Option<Self>, LayoutError> {
        Self::present(&root.into(), Links::Trusted)
    }

    fn present(root: &Path, links: Links) -> Result<Option<Self>, LayoutError> {
        let Some(directories) = Directories::open(root, links)? else {
            return Ok(None);
        };
        let layout = Self::of(directories);
        Ok(marker::is_present(&layout.directories)?.then_some(layout))
    }

    /// Whether a finished pull survives a power cut (the default). Without it nothing is synced to
    /// the disk; a kill of the process still leaves no half blob.
    #[must_use]
    pub fn durable(mut self, durable: bool) -> Self {
        self.durable = durable;
        self
    }

    /// The layout's directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.directories.root().path()
    }

    /// The path of a blob, whether it is there or not.
    #[must_use]
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.directories.path_of(digest)
    }

    /// Whether the blob is there: a file of the right size with its final name. Only verified blobs
    /// get that name, so the content is not hashed again.
    #[must_use]
    pub fn has_blob(&self, descriptor: &Descriptor) -> bool {
        self.length_of(&descriptor.digest) == Some(descriptor.size)
    }

    /// Whether a file has the blob's name.
    pub(crate) fn has_file(&self, digest: &Digest) -> bool {
        self.length_of(digest).is_some()
    }

    /// The length in bytes of the file with the blob's name; `None` if it is not a file.
    fn length_of(&self, digest: &Digest) -> Option<u64> {
        let directories = self.directories.of_algorithm(digest.algorithm());
        let directory = directories.ok().flatten()?;
        let found = directory.stat(digest.encoded()).ok().flatten()?;
        match FileType::from_raw_mode(found.st_mode) {
            FileType::RegularFile => found.st_size.try_into().ok(),
            FileType::Symlink => {
                let file = directory.open_file(digest.encoded()).ok()?;
                Some(file.metadata().ok()?.len())
            }
            _ => None,
        }
    }

    /// Starts a blob. At the end, a file of another size with its name is replaced.
    ///
    /// # Errors
    /// [`LayoutError::Io`] when the temporary file cannot be made.
    pub fn blob_writer(&self, descriptor: &Descriptor) -> Result<BlobWriter, LayoutError> {
        BlobWriter::create(&self.directories, self.durable, descriptor)
    }

    /// As [`Layout::blob_writer`], but continues the beginning of the blob that an earlier writer
    /// left. [`BlobWriter::position`] is the length of that.
    ///
    /// # Errors
    /// As [`Layout::blob_writer`].
    pub fn resume_blob(&self, descriptor: &Descriptor) -> Result<BlobWriter, LayoutError> {
        BlobWriter::resume(&self.directories, self.durable, descriptor)
    }

    /// Stores a small blob that is in memory, unless it is there already.
    ///
    /// # Errors
    /// As [`BlobWriter::write`] and [`BlobWriter::finish`].
    pub fn put_bytes(&self, descriptor: &Descriptor, bytes: &[u8]) -> Result<(), LayoutError> {
        if self.has_blob(descriptor) {
            return Ok(());
        }
        let mut writer = self.blob_writer(descriptor)?;
        writer.write(bytes)?;
        writer.finish()
    }

    /// Reads a small blob as a whole and verifies it; `None` when it is missing, is larger than
    /// `limit` bytes, or does not match its digest.
    ///
    /// # Errors
    /// [`LayoutError::Io`] when it is there and cannot be read.
    pub fn read_blob(&self, digest: &Digest, limit: u64) -> Result<Option<Bytes>, LayoutError> {
        let Some(directory) = self.directories.of_algorithm(digest.algorithm())? else {
            return Ok(None);
        };
        match directory.read(digest.encoded(), limit) {
            Ok(bytes) => Ok(digest.matches(&bytes).then(|| bytes.into())),
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::FileTooLarge) => Ok(None),
            Err(e) => Err(LayoutError::io("read", &self.blob_path(digest))(e)),
        }
    }

    /// Opens a blob of the descriptor's size. Its content is not verified.
    ///
    /// # Errors
    /// [`LayoutError::Io`] when it is not there or cannot be read, [`LayoutError::Size`].
    pub(crate) fn open_blob(&self, descriptor: &Descriptor) -> Result<File, LayoutError> {
        let digest = &descriptor.digest;
        let path = self.blob_path(digest);
        let failed = || LayoutError::io("read", &path);
        let file = match self.directories.of_algorithm(digest.algorithm())? {
            Some(directory) => directory.open_file(digest.encoded()),
            None => Err(ErrorKind::NotFound.into()),
        };
        let file = file.map_err(failed())?;
        let actual = file.metadata().map_err(failed())?.len();
        if actual != descriptor.size {
            return Err(LayoutError::Size {
                digest: descriptor.digest.clone(),
                expected: descriptor.size,
                actual,
            });
        }
        Ok(file)
    }

    /// Names an image: puts `descriptor` into `index.json` under `name`, in place of an earlier one
    /// of that name. In a durable layout every blob is on the disk by then.
    ///
    /// # Errors
    /// [`LayoutError::BrokenIndex`], [`LayoutError::Locked`], [`LayoutError::Io`].
    pub fn tag(&self, name: &str, descriptor: &Descriptor) -> Result<(), LayoutError> {
        self.tag_chosen(name, |_| descriptor.clone())
    }

    /// As [`Layout::tag`], with the descriptor that `choose` makes of the present one of the name. No other
    /// process changes that between.
    pub(crate) fn tag_chosen(
        &self,
        name: &str,
        choose: impl Fn(Option<Descriptor>) -> Descriptor,
    ) -> Result<(), LayoutError> {
        let written = self
            .index()
            .set(name, choose, self.durable, || self.sync_blobs())?;
        if written && self.durable {
            sync(self.directories.root())?;
        }
        Ok(())
    }

    /// The entry of `name` in `index.json`. The blobs may be missing.
    ///
    /// # Errors
    /// [`LayoutError::BrokenIndex`], [`LayoutError::Io`].
    pub fn resolve(&self, name: &str) -> Result<Option<Descriptor>, LayoutError> {
        let mut entries = self.index().entries()?.into_iter();
        Ok(entries.find(|entry| index_file::name_of(entry) == Some(name)))
    }

    /// Removes a name from `index.json`, and no blob; returns whether it was there.
    ///
    /// # Errors
    /// As [`Layout::tag`].
    pub fn untag(&self, name: &str) -> Result<bool, LayoutError> {
        self.index().remove(name, self.durable)
    }

    /// All entries of `index.json`, in its order.
    pub(crate) fn entries(&self) -> Result<Vec<Descriptor>, LayoutError> {
        self.index().entries()
    }

    /// For a pull: nothing is removed from the store as long as the value lives.
    pub(crate) fn use_shared(&self) -> Result<impl Drop + use<>, LayoutError> {
        usage::shared(&self.directories)
    }

    /// For the removal of blobs: no pull begins as long as the value lives.
    pub(crate) fn use_alone(&self) -> Result<impl Drop + use<>, LayoutError> {
        usage::alone(&self.directories)
    }

    /// An error about what `index.json` refers to.
    pub(crate) fn broken_index(&self, reason: &str) -> LayoutError {
        self.index().broken(reason)
    }

    /// Removes the blobs of these digests. What is not a blob's file stays.
    pub(crate) fn remove_blobs(
        &self,
        is_garbage: impl Fn(&Digest) -> bool,
    ) -> Result<Removed, LayoutError> {
        let mut removed = Removed::default();
        for algorithm in ALGORITHMS {
            let Some(directory) = self.directories.of_algorithm(algorithm)? else {
                continue;
            };
            let names = directory.names();
            for name in names.map_err(LayoutError::io("read", directory.path()))? {
                let name = name.map_err(LayoutError::io("read", directory.path()))?;
                let name = name.to_string_lossy();
                let digest = format!("{algorithm}:{name}").parse();
                if !digest.is_ok_and(|digest| is_garbage(&digest)) {
                    continue;
                }
                let found = directory.stat(&name).ok().flatten();
                let failed = LayoutError::io("remove", &directory.path().join(&*name));
                directory.remove(&name).map_err(failed)?;
                removed.blobs += 1;
                removed.bytes += found.map_or(0, |file| file.st_size.try_into().unwrap_or(0));
            }
        }
        Ok(removed)
    }

    /// The names of all images in `index.json`, in its order.
    ///
    /// # Errors
    /// As [`Layout::resolve`].
    pub fn names(&self) -> Result<Vec<String>, LayoutError> {
        let entries = self.index().entries()?;
        let names = entries.iter().filter_map(index_file::name_of);
        Ok(names.map(str::to_owned).collect())
    }

    /// Fails with [`LayoutError::NoSpace`] when the rest of these blobs does not fit. Before that it
    /// removes what interrupted pulls left of others.
    pub(crate) fn require_space(&self, blobs: &[&Descriptor]) -> Result<(), LayoutError> {
        let ingest = self.directories.ingest()?;
        let beginnings = Beginnings::of(ingest);
        let rest = |blob: &&Descriptor| blob.size - beginnings.longest(&blob.digest, blob.size);
        let needed = blobs.iter().map(rest).fold(0, u64::saturating_add);
        let too_little = || free_space::available(self.root()).filter(|free| *free < needed);
        if too_little().is_none() {
            return Ok(());
        }
        let is_wanted = |digest: &Digest| blobs.iter().any(|blob| blob.digest == *digest);
        ingest::sweep(ingest, is_wanted);
        match too_little() {
            None => Ok(()),
            Some(available) => Err(LayoutError::NoSpace {
                path: self.root().to_owned(),
                needed,
                available,
                source: rustix::io::Errno::NOSPC.into(),
            }),
        }
    }

    /// Whether another running writer, of this process or another, is filling the blob.
    pub(crate) fn is_being_written(&self, digest: &Digest) -> bool {
        let ingest = self.directories.present_ingest();
        ingest.is_some_and(|ingest| ingest::writers_of(ingest, digest).next().is_some())
    }

    fn of(directories: Directories) -> Self {
        Self {
            directories: directories.into(),
            durable: true,
        }
    }

    fn index(&self) -> IndexFile<'_> {
        IndexFile(&self.directories)
    }

    /// The blobs' contents were synced before their renames; this makes the renames last.
    fn sync_blobs(&self) -> Result<(), LayoutError> {
        if !self.durable {
            return Ok(());
        }
        for algorithm in ALGORITHMS {
            if let Some(directory) = self.directories.of_algorithm(algorithm)? {
                sync(directory)?;
            }
        }
        self.directories
            .blobs()?
            .map_or(Ok(()), |blobs| sync(blobs))
    }
}

fn sync(directory: &Directory) -> Result<(), LayoutError> {
    directory
        .sync()
        .map_err(LayoutError::io("sync", directory.path()))
}

#[cfg(test)]
mod tests;
