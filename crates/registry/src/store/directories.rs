//! The directories of a store, each opened once: a link that another user places while a command runs leads
//! nothing of the store elsewhere.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use regcred_files::{Directory, Links};
use rustix::fs::OFlags;

use super::error::LayoutError;
use crate::image::Digest;

/// The root, and the directories in it that were opened so far.
#[derive(Debug)]
pub(super) struct Directories {
    root: Directory,
    ingest: OnceLock<Arc<Directory>>,
    blobs: OnceLock<Arc<Directory>>,
    /// In the order of [`ALGORITHMS`].
    of_algorithms: [OnceLock<Arc<Directory>>; 2],
}

impl Directories {
    /// `None` if the root does not exist.
    pub(super) fn open(root: &Path, links: Links) -> Result<Option<Self>, LayoutError> {
        match Directory::open(root, links) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            opened => Self::of(root, opened).map(Some),
        }
    }

    /// Makes the root where it does not exist, for its owner alone: images are often private.
    pub(super) fn make(root: &Path) -> Result<Self, LayoutError> {
        Self::of(root, Directory::make(root, 0o700))
    }

    fn of(path: &Path, root: io::Result<Directory>) -> Result<Self, LayoutError> {
        let root = root.and_then(require_own);
        let opened = Self {
            root: root.map_err(LayoutError::io("open", path))?,
            ingest: OnceLock::new(),
            blobs: OnceLock::new(),
            of_algorithms: Default::default(),
        };
        if opened.root.links() == Links::Trusted {
            // One that is refused is found before anything has changed.
            for algorithm in ALGORITHMS {
                opened.of_algorithm(algorithm)?;
            }
            found(&opened.root, INGEST, &opened.ingest)?;
        }
        Ok(opened)
    }

    pub(super) fn root(&self) -> &Directory {
        &self.root
    }

    /// The directory of temporary files, to write there.
    pub(super) fn ingest(&self) -> Result<&Arc<Directory>, LayoutError> {
        made(&self.root, INGEST, &self.ingest)
    }

    /// The directory of temporary files, if it exists.
    pub(super) fn present_ingest(&self) -> Option<&Directory> {
        let found = found(&self.root, INGEST, &self.ingest);
        found.ok().flatten().map(|directory| &**directory)
    }

    /// The directory of all blobs, if it exists.
    pub(super) fn blobs(&self) -> Result<Option<&Arc<Directory>>, LayoutError> {
        found(&self.root, BLOBS, &self.blobs)
    }

    /// The directory of the blobs of an algorithm, if it exists.
    pub(super) fn of_algorithm(
        &self,
        algorithm: &str,
    ) -> Result<Option<&Arc<Directory>>, LayoutError> {
        match self.blobs()? {
            Some(blobs) => found(blobs, algorithm, self.place_of(algorithm)),
            None => Ok(None),
        }
    }

    /// The directory of the blobs of an algorithm, to write there.
    pub(super) fn make_algorithm(&self, algorithm: &str) -> Result<&Arc<Directory>, LayoutError> {
        let blobs = made(&self.root, BLOBS, &self.blobs)?;
        made(blobs, algorithm, self.place_of(algorithm))
    }

    fn place_of(&self, algorithm: &str) -> &OnceLock<Arc<Directory>> {
        let at = ALGORITHMS.iter().position(|known| *known == algorithm);
        &self.of_algorithms[at.unwrap_or_default()]
    }

    /// The path of a blob, for messages.
    pub(super) fn path_of(&self, digest: &Digest) -> PathBuf {
        let blobs = self.root.path().join(BLOBS);
        blobs.join(digest.algorithm()).join(digest.encoded())
    }

    /// A file that processes lock, made if it does not exist. The path is for messages.
    pub(super) fn lock_file(&self, name: &str) -> Result<(File, PathBuf), LayoutError> {
        let ingest = self.ingest()?;
        let path = ingest.path().join(name);
        let opened = ingest.open_to_change(name, OFlags::WRONLY | OFlags::CREATE, 0o666);
        Ok((opened.map_err(LayoutError::io("open", &path))?, path))
    }
}

/// A directory in `parent` that was opened before, or is now; `None` if it does not exist.
fn found<'a>(
    parent: &Directory,
    name: &str,
    place: &'a OnceLock<Arc<Directory>>,
) -> Result<Option<&'a Arc<Directory>>, LayoutError> {
    match place.get() {
        None => match parent.subdirectory(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            opened => keep(parent, name, place, opened).map(Some),
        },
        kept => Ok(kept),
    }
}

/// As [`found`], made if it does not exist.
fn made<'a>(
    parent: &Directory,
    name: &str,
    place: &'a OnceLock<Arc<Directory>>,
) -> Result<&'a Arc<Directory>, LayoutError> {
    if parent.links() == Links::Any {
        let why = io::Error::new(
            io::ErrorKind::ReadOnlyFilesystem,
            "it was opened to be read",
        );
        return Err(LayoutError::io("write", parent.path())(why));
    }
    match place.get() {
        None => keep(parent, name, place, parent.make_subdirectory(name, 0o777)),
        Some(kept) => Ok(kept),
    }
}

fn keep<'a>(
    parent: &Directory,
    name: &str,
    place: &'a OnceLock<Arc<Directory>>,
    opened: io::Result<Directory>,
) -> Result<&'a Arc<Directory>, LayoutError> {
    let opened = opened.and_then(require_own);
    let opened = opened.map_err(LayoutError::io("open", &parent.path().join(name)))?;
    Ok(place.get_or_init(|| Arc::new(opened)))
}

/// Root changes nothing in a directory of another user, who may exchange it at any moment.
fn require_own(directory: Directory) -> io::Result<Directory> {
    let is_changed_by_root =
        directory.links() == Links::Trusted && rustix::process::geteuid().is_root();
    if is_changed_by_root && directory.is_of_another_user()? {
        return Err(io::Error::other(
            "it belongs to another user; run this as that user, or name a store elsewhere",
        ));
    }
    Ok(directory)
}

/// The algorithms of the digests of blobs.
pub(super) const ALGORITHMS: [&str; 2] = ["sha256", "sha512"];
pub(super) const BLOBS: &str = "blobs";
pub(super) const INGEST: &str = "ingest";
