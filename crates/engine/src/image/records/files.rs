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
use regcred_files::{MIB, open_lock};
use sha2::{Digest as _, Sha256};

/// The two directories, and next to them the locks, which a kubelet ignores.
#[derive(Debug)]
pub(super) struct RecordFiles {
    root: PathBuf,
}

/// What a file records.
pub(super) trait Record: Sized {
    /// The directory of its files.
    const DIRECTORY: &'static str;

    fn decode(bytes: &[u8]) -> Result<(Self, RecordVersion), DecodeError>;

    fn encode(&self) -> Vec<u8>;

    /// What its file is named by.
    fn key(&self) -> &str;
}

/// An intent, by the image as written.
impl Record for ImagePullIntent {
    const DIRECTORY: &'static str = "pulling";

    fn decode(bytes: &[u8]) -> Result<(Self, RecordVersion), DecodeError> {
        Self::from_slice(bytes)
    }

    fn encode(&self) -> Vec<u8> {
        self.to_vec()
    }

    fn key(&self) -> &str {
        &self.image
    }
}

/// A record, by the runtime's ID of the image.
impl Record for ImagePulledRecord {
    const DIRECTORY: &'static str = "pulled";

    fn decode(bytes: &[u8]) -> Result<(Self, RecordVersion), DecodeError> {
        Self::from_slice(bytes)
    }

    fn encode(&self) -> Vec<u8> {
        self.to_vec()
    }

    fn key(&self) -> &str {
        &self.image_ref
    }
}

impl RecordFiles {
    pub(super) fn open(root_dir: &Path) -> Result<Self, RecordError> {
        let root = root_dir.join("image_manager");
        for name in [
            ImagePullIntent::DIRECTORY,
            ImagePulledRecord::DIRECTORY,
            LOCKS,
        ] {
            let dir = root.join(name);
            let made = DirBuilder::new().recursive(true).mode(0o700).create(&dir);
            made.map_err(RecordError::io("create", &dir))?;
        }
        Ok(Self { root })
    }

    /// Keeps our other threads and processes from changing anything until it is dropped.
    pub(super) fn lock(&self) -> Result<File, RecordError> {
        let path = self.root.join(LOCKS).join("all");
        let file = open_lock(&path, 0o600).map_err(RecordError::io("open", &path))?;
        file.lock().map_err(RecordError::io("lock", &path))?;
        Ok(file)
    }

    /// The lock file of an image that is pulled. It is created and removed only under
    /// [`Self::lock`].
    pub(super) fn image_lock(&self, image: &str) -> Result<(PathBuf, File), RecordError> {
        let path = self.root.join(LOCKS).join(name_of(image));
        let file = open_lock(&path, 0o600).map_err(RecordError::io("open", &path))?;
        Ok((path, file))
    }

    /// Writes a file whole, or not at all.
    pub(super) fn write<T: Record>(&self, record: &T) -> Result<(), RecordError> {
        static WRITES: AtomicU64 = AtomicU64::new(0);
        let path = self.path::<T>(record.key());
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
            file.write_all(&record.encode())?;
            fs::rename(&temporary, &path)
        };
        write().map_err(|error| {
            let _ = fs::remove_file(&temporary);
            RecordError::io("write", &path)(error)
        })
    }

    /// Removes a file, if it exists.
    pub(super) fn remove<T: Record>(&self, key: &str) -> Result<(), RecordError> {
        let path = self.path::<T>(key);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(RecordError::io("remove", &path)(error))
            }
            _ => Ok(()),
        }
    }

    /// What is recorded under a key.
    pub(super) fn find<T: Record>(&self, key: &str) -> Result<Option<T>, RecordError> {
        let found = read::<T>(&self.path::<T>(key))?.map(|(record, _)| record);
        Ok(found.filter(|record| record.key() == key))
    }

    /// Every record of a kind, and why some cannot be read. Files that no kubelet wrote are ignored.
    pub(super) fn all<T: Record>(&self) -> (Vec<(T, RecordVersion)>, Vec<RecordError>) {
        let dir = self.root.join(T::DIRECTORY);
        let (mut found, mut failed) = (Vec::new(), Vec::new());
        let paths = match list(&dir) {
            Ok(paths) => paths,
            Err(error) => return (found, vec![RecordError::io("list", &dir)(error)]),
        };
        for path in paths {
            match read(&path) {
                Ok(record) => found.extend(record),
                Err(error) => failed.push(error),
            }
        }
        (found, failed)
    }

    /// Rewrites what the alpha releases left in the latest version. Returns why some files cannot be
    /// read or written.
    pub(super) fn rewrite_alpha(&self) -> Vec<RecordError> {
        let _lock = match self.lock() {
            Ok(lock) => lock,
            Err(error) => return vec![error],
        };
        let mut failed = self.rewrite::<ImagePullIntent>();
        failed.extend(self.rewrite::<ImagePulledRecord>());
        failed
    }

    fn rewrite<T: Record>(&self) -> Vec<RecordError> {
        let (records, mut failed) = self.all::<T>();
        let old = records.iter();
        let old = old.filter(|(_, version)| *version != RecordVersion::LATEST);
        failed.extend(old.filter_map(|(record, _)| self.write(record).err()));
        failed
    }

    fn path<T: Record>(&self, key: &str) -> PathBuf {
        self.root.join(T::DIRECTORY).join(name_of(key))
    }
}

/// A record that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The file system refuses.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// The operation.
        what: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file does not contain a record.
    #[error("{} is not a valid pull record", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: DecodeError,
    },
}

impl RecordError {
    pub(super) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }
}

fn name_of(key: &str) -> String {
    format!("{PREFIX}{}", hex(Sha256::digest(key)))
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

fn read<T: Record>(path: &Path) -> Result<Option<(T, RecordVersion)>, RecordError> {
    let bytes = match regcred_files::read(path, MAX_FILE) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(RecordError::io("read", path)(error)),
    };
    let decoded = T::decode(&bytes).map_err(|source| RecordError::Malformed {
        path: path.to_owned(),
        source,
    })?;
    Ok(Some(decoded))
}

const PREFIX: &str = "sha256-";
const LOCKS: &str = "regcred-locks";
/// A hundred Secrets for a hundred names take 2 MiB.
const MAX_FILE: u64 = 16 * MIB;
