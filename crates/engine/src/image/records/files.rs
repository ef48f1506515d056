//! The files of the records: paths, names, modes, locks (kubernetes
//! `pkg/kubelet/images/pullmanager/fs_pullrecords.go`).

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use regcred_api::pull_record::{ImagePullIntent, ImagePulledRecord};
use regcred_api::{DecodeError, RecordVersion};
use regcred_core::hex;
use regcred_files::MIB;
use sha2::{Digest as _, Sha256};

/// The two directories, and beside them the locks, which a kubelet does not look at.
#[derive(Debug)]
pub(super) struct RecordFiles {
    root: PathBuf,
}

/// What a file records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An intent, by the image as written.
    Pulling,
    /// A record, by the runtime's ID of the image.
    Pulled,
}

impl RecordFiles {
    pub(super) fn open(root_dir: &Path) -> Result<Self, RecordError> {
        let files = Self {
            root: root_dir.join("image_manager"),
        };
        for dir in [
            files.dir(Kind::Pulling),
            files.dir(Kind::Pulled),
            files.root.join(LOCKS),
        ] {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(&dir);
            made.map_err(RecordError::io("create", &dir))?;
        }
        Ok(files)
    }

    /// Keeps other threads and processes of ours from changing anything until it is dropped.
    pub(super) fn lock(&self) -> Result<File, RecordError> {
        let path = self.root.join(LOCKS).join("all");
        let file = open_lock(&path)?;
        file.lock().map_err(RecordError::io("lock", &path))?;
        Ok(file)
    }

    /// The lock file of an image that is pulled. It is made and removed only under [`Self::lock`].
    pub(super) fn image_lock(&self, image: &str) -> Result<(PathBuf, File), RecordError> {
        let path = self.root.join(LOCKS).join(name_of(image));
        let file = open_lock(&path)?;
        Ok((path, file))
    }

    /// Writes a file whole, or not at all.
    pub(super) fn write(&self, kind: Kind, key: &str, bytes: &[u8]) -> Result<(), RecordError> {
        static WRITES: AtomicU64 = AtomicU64::new(0);
        let path = self.path(kind, key);
        // A kubelet's own temporary file has no number.
        let number = WRITES.fetch_add(1, Ordering::Relaxed);
        let suffix = format!("{}-{number}.tmp", std::process::id());
        let temporary = path.with_extension(suffix);
        let write = || -> io::Result<()> {
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&temporary)?;
            file.write_all(bytes)?;
            fs::rename(&temporary, &path)
        };
        write().map_err(|error| {
            let _ = fs::remove_file(&temporary);
            RecordError::io("write", &path)(error)
        })
    }

    /// Removes a file; one that is not there is fine.
    pub(super) fn remove(&self, kind: Kind, key: &str) -> Result<(), RecordError> {
        let path = self.path(kind, key);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(RecordError::io("remove", &path)(error))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn intent_exists(&self, image: &str) -> Result<bool, RecordError> {
        let intent = read(
            &self.path(Kind::Pulling, image),
            ImagePullIntent::from_slice,
        )?;
        Ok(intent.is_some_and(|(intent, _)| intent.image == image))
    }

    pub(super) fn record(
        &self,
        image_ref: &str,
    ) -> Result<Option<(ImagePulledRecord, RecordVersion)>, RecordError> {
        let path = self.path(Kind::Pulled, image_ref);
        let record = read(&path, ImagePulledRecord::from_slice)?;
        Ok(record.filter(|(record, _)| record.image_ref == image_ref))
    }

    /// Everything of a kind, and what could not be read. Files that no kubelet wrote are passed over.
    pub(super) fn all<T>(
        &self,
        kind: Kind,
        decode: fn(&[u8]) -> Result<T, DecodeError>,
    ) -> (Vec<T>, Vec<RecordError>) {
        let dir = self.dir(kind);
        let (mut found, mut failed) = (Vec::new(), Vec::new());
        let paths = match list(&dir) {
            Ok(paths) => paths,
            Err(error) => return (found, vec![RecordError::io("list", &dir)(error)]),
        };
        for path in paths {
            match read(&path, decode) {
                Ok(record) => found.extend(record),
                Err(error) => failed.push(error),
            }
        }
        (found, failed)
    }

    fn dir(&self, kind: Kind) -> PathBuf {
        self.root.join(match kind {
            Kind::Pulling => "pulling",
            Kind::Pulled => "pulled",
        })
    }

    fn path(&self, kind: Kind, key: &str) -> PathBuf {
        self.dir(kind).join(name_of(key))
    }
}

/// A record that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file system refuses.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// What was to be done.
        what: &'static str,
        /// With which file or directory.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// There is something else in the file.
    #[error("{} is not a sound record", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: DecodeError,
    },
}

impl RecordError {
    fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }

    pub(super) fn cannot_lock(path: &Path, source: io::Error) -> Self {
        Self::io("lock", path)(source)
    }
}

fn name_of(key: &str) -> String {
    format!("{PREFIX}{}", hex(Sha256::digest(key)))
}

fn open_lock(path: &Path) -> Result<File, RecordError> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(RecordError::io("open", path))
}

fn list(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(PREFIX) && !name.ends_with(".tmp") && !entry.file_type()?.is_dir() {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

fn read<T>(
    path: &Path,
    decode: fn(&[u8]) -> Result<T, DecodeError>,
) -> Result<Option<T>, RecordError> {
    let bytes = match regcred_files::read(path, MAX_FILE) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(RecordError::io("read", path)(error)),
    };
    let decoded = decode(&bytes).map_err(|source| RecordError::Malformed {
        path: path.to_owned(),
        source,
    })?;
    Ok(Some(decoded))
}

const PREFIX: &str = "sha256-";
const LOCKS: &str = "regcred-locks";
/// A hundred Secrets for a hundred names take 2 MiB.
const MAX_FILE: u64 = 16 * MIB;
