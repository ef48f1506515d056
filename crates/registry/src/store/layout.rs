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

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use regcred_files::MIB;

use super::blob_writer::BlobWriter;
use super::error::LayoutError;
use super::free_space;
use super::index_file::{self, IndexFile};
use super::ingest::{self, Beginnings, Temporary};
use super::usage;
use crate::image::{Descriptor, Digest};

/// An OCI image layout on disk. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Layout {
    root: Arc<Path>,
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
    /// Opens the layout at `root`, or creates an empty one there. Removes what dead writers left.
    ///
    /// # Errors
    /// [`LayoutError::NotALayout`] for a directory that holds something else or a layout of
    /// another version; [`LayoutError::Io`].
    pub fn open_or_create(root: impl Into<PathBuf>) -> Result<Self, LayoutError> {
        let root = root.into();
        if let Some(layout) = Self::open(&root)? {
            let is_missing = |digest: &Digest| !layout.blob_path(digest).exists();
            ingest::sweep(&layout.ingest(), is_missing);
            return Ok(layout);
        }
        let layout = Self::at(root);
        layout.refuse_foreign_content()?;
        let blobs = layout.root.join(BLOBS).join("sha256");
        fs::create_dir_all(&blobs).map_err(LayoutError::io("create", &blobs))?;
        layout.index().create()?;
        let mut marker = Temporary::create(&layout.ingest(), MARKER, MARKER_TEXT.len() as u64)?;
        marker.write(MARKER_TEXT.as_bytes())?;
        marker.publish(&layout.root.join(MARKER), true)?;
        Ok(layout)
    }

    /// Opens the layout at `root`; `None` if it does not exist. Writes nothing.
    ///
    /// # Errors
    /// [`LayoutError::NotALayout`] for a layout of another version; [`LayoutError::Io`].
    pub fn open(root: impl Into<PathBuf>) -> Result<Option<Self>, LayoutError> {
        let layout = Self::at(root.into());
        let path = layout.root.join(MARKER);
        let text = match regcred_files::read(&path, MIB) {
            Ok(text) => text,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(LayoutError::io("read", &path)(e)),
        };
        let marker: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
        match marker["imageLayoutVersion"].as_str() {
            Some(VERSION) => Ok(Some(layout)),
            Some(other) => Err(layout.not_a_layout(format!("it has version {other:?}"))),
            None => Err(layout.not_a_layout("its oci-layout file has no version".into())),
        }
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
        &self.root
    }

    /// The path of a blob, whether it is there or not.
    #[must_use]
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        let directory = self.root.join(BLOBS).join(digest.algorithm());
        directory.join(digest.encoded())
    }

    /// Whether the blob is there: a file of the right size with its final name. Only verified blobs
    /// get that name, so the content is not hashed again.
    #[must_use]
    pub fn has_blob(&self, descriptor: &Descriptor) -> bool {
        fs::metadata(self.blob_path(&descriptor.digest))
            .is_ok_and(|found| found.is_file() && found.len() == descriptor.size)
    }

    /// Starts a blob. At the end, a file of another size with its name is replaced.
    ///
    /// # Errors
    /// [`LayoutError::Io`] when the temporary file cannot be made.
    pub fn blob_writer(&self, descriptor: &Descriptor) -> Result<BlobWriter, LayoutError> {
        let target = self.blob_path(&descriptor.digest);
        BlobWriter::create(&self.ingest(), target, self.durable, descriptor)
    }

    /// As [`Layout::blob_writer`], but continues the beginning of the blob that an earlier writer
    /// left. [`BlobWriter::position`] is the length of that.
    ///
    /// # Errors
    /// As [`Layout::blob_writer`].
    pub fn resume_blob(&self, descriptor: &Descriptor) -> Result<BlobWriter, LayoutError> {
        let target = self.blob_path(&descriptor.digest);
        BlobWriter::resume(&self.ingest(), target, self.durable, descriptor)
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
        let path = self.blob_path(digest);
        match regcred_files::read(&path, limit) {
            Ok(bytes) => Ok(digest.matches(&bytes).then(|| bytes.into())),
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::FileTooLarge) => Ok(None),
            Err(e) => Err(LayoutError::io("read", &path)(e)),
        }
    }

    /// Opens a blob of the descriptor's size. Its content is not verified.
    ///
    /// # Errors
    /// [`LayoutError::Io`] when it is not there or cannot be read, [`LayoutError::Size`].
    pub(crate) fn open_blob(&self, descriptor: &Descriptor) -> Result<File, LayoutError> {
        let path = self.blob_path(&descriptor.digest);
        let failed = || LayoutError::io("read", &path);
        let file = regcred_files::open(&path).map_err(failed())?;
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
            index_file::sync_directory(&self.root)?;
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
        usage::shared(&self.ingest())
    }

    /// For the removal of blobs: no pull begins as long as the value lives.
    pub(crate) fn use_alone(&self) -> Result<impl Drop + use<>, LayoutError> {
        usage::alone(&self.ingest())
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
        let blobs = self.root.join(BLOBS);
        for algorithm in ["sha256", "sha512"] {
            let directory = blobs.join(algorithm);
            let entries = match fs::read_dir(&directory) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                entries => entries.map_err(LayoutError::io("read", &directory))?,
            };
            for entry in entries {
                let entry = entry.map_err(LayoutError::io("read", &directory))?;
                let name = entry.file_name();
                let digest = format!("{algorithm}:{}", name.to_string_lossy()).parse();
                if !digest.is_ok_and(|digest| is_garbage(&digest)) {
                    continue;
                }
                let size = entry.metadata().map_or(0, |file| file.len());
                let path = entry.path();
                fs::remove_file(&path).map_err(LayoutError::io("remove", &path))?;
                removed.blobs += 1;
                removed.bytes += size;
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
        let beginnings = Beginnings::of(&self.ingest());
        let rest = |blob: &&Descriptor| blob.size - beginnings.longest(&blob.digest, blob.size);
        let needed = blobs.iter().map(rest).fold(0, u64::saturating_add);
        let too_little = || free_space::available(&self.root).filter(|free| *free < needed);
        if too_little().is_none() {
            return Ok(());
        }
        let is_wanted = |digest: &Digest| blobs.iter().any(|blob| blob.digest == *digest);
        ingest::sweep(&self.ingest(), is_wanted);
        match too_little() {
            None => Ok(()),
            Some(available) => Err(LayoutError::NoSpace {
                path: self.root.to_path_buf(),
                needed,
                available,
                source: rustix::io::Errno::NOSPC.into(),
            }),
        }
    }

    /// Whether another running writer, of this process or another, is filling the blob.
    pub(crate) fn is_being_written(&self, digest: &Digest) -> bool {
        !ingest::writers_of(&self.ingest(), digest, None).is_empty()
    }

    fn at(root: PathBuf) -> Self {
        Self {
            root: root.into(),
            durable: true,
        }
    }

    fn index(&self) -> IndexFile {
        IndexFile {
            path: self.root.join(INDEX),
            ingest: self.ingest(),
        }
    }

    fn ingest(&self) -> PathBuf {
        self.root.join(INGEST)
    }

    /// The blobs' contents were synced before their renames; this makes the renames last.
    fn sync_blobs(&self) -> Result<(), LayoutError> {
        if !self.durable {
            return Ok(());
        }
        let blobs = self.root.join(BLOBS);
        let algorithms = fs::read_dir(&blobs).map_err(LayoutError::io("read", &blobs))?;
        for entry in algorithms.flatten() {
            index_file::sync_directory(&entry.path())?;
        }
        index_file::sync_directory(&blobs)
    }

    /// A new layout is created only in a directory that is missing, empty, or partly created by us.
    fn refuse_foreign_content(&self) -> Result<(), LayoutError> {
        let Ok(entries) = fs::read_dir(&self.root) else {
            return Ok(());
        };
        let own = |name: &OsString| [BLOBS, INGEST, INDEX, MARKER].iter().any(|own| name == own);
        let mut names = entries.flatten().map(|entry| entry.file_name());
        match names.find(|name| !own(name)) {
            None => Ok(()),
            Some(name) => Err(self.not_a_layout(format!(
                "it holds {name:?} and no oci-layout file; name an empty directory"
            ))),
        }
    }

    fn not_a_layout(&self, reason: String) -> LayoutError {
        LayoutError::NotALayout {
            path: self.root.to_path_buf(),
            reason,
        }
    }
}

const BLOBS: &str = "blobs";
const INGEST: &str = "ingest";
const INDEX: &str = "index.json";
const MARKER: &str = "oci-layout";
const VERSION: &str = "1.0.0";
const MARKER_TEXT: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;

#[cfg(test)]
mod tests;
