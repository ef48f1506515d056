//! Temporary files of the store. A blob is written under `ingest/` and renamed into `blobs/` when
//! it is verified, so the remains of a killed writer are here and are never taken for a blob.
//!
//! Each temporary file is locked (`flock`) while its writer runs. An unlocked file is debris and
//! may be removed; a locked one shows a second process that the blob is being written.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::LayoutError;
use crate::image::Digest;

/// A new temporary file, removed when this is dropped unless [`Temporary::publish`] was called.
#[derive(Debug)]
pub(crate) struct Temporary {
    path: PathBuf,
    file: File,
    /// The size of the finished file in bytes, for the message about a full disk.
    size: u64,
    published: bool,
}

impl Temporary {
    /// Creates `directory/NAME.RANDOM.part` and locks it.
    pub(crate) fn create(directory: &Path, name: &str, size: u64) -> Result<Self, LayoutError> {
        for _ in 0..CREATE_ATTEMPTS {
            // Differs between processes and calls. It need not be secret: files are only ever created,
            // never opened, under such a name.
            let random = regcred_http::random_word();
            let path = directory.join(format!("{name}.{random:016x}{SUFFIX}"));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => {
                    // Without locks (some network file systems) only age identifies debris.
                    let _ = file.lock();
                    return Ok(Self {
                        path,
                        file,
                        size,
                        published: false,
                    });
                }
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                    fs::create_dir_all(directory).map_err(LayoutError::io("create", directory))?;
                }
                Err(e) => return Err(LayoutError::write(&path, size)(e)),
            }
        }
        Err(LayoutError::io("create a file in", directory)(
            std::io::ErrorKind::AlreadyExists.into(),
        ))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), LayoutError> {
        self.file
            .write_all(bytes)
            .map_err(LayoutError::write(&self.path, self.size))
    }

    /// Renames the file to `target`, which it replaces. With `durable`, its content is on the
    /// disk before it has the new name.
    pub(crate) fn publish(mut self, target: &Path, durable: bool) -> Result<(), LayoutError> {
        if durable {
            self.file
                .sync_data()
                .map_err(LayoutError::write(&self.path, self.size))?;
        }
        fs::rename(&self.path, target).map_err(LayoutError::io("rename a blob to", target))?;
        self.published = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.published {
            // Nothing can be done about a failure here; the next sweep tries again.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The temporary files of `digest` that a running writer is still filling, by name, except `own`.
/// A writer that has written nothing for [`STALLED`] does not count: it is not waited for.
pub(crate) fn writers_of(directory: &Path, digest: &Digest, own: Option<&Path>) -> Vec<PathBuf> {
    let prefix = format!("{}.", file_stem(digest));
    parts(directory)
        .filter(|path| name_of(path).starts_with(&prefix) && Some(path.as_path()) != own)
        .filter(|path| age(path).is_some_and(|age| age < STALLED) && is_locked(path))
        .collect()
}

/// Removes the files of dead writers: unlocked ones older than a minute (a younger one may be about
/// to be locked), and ones unchanged for an hour where locks do not work.
pub(crate) fn sweep(directory: &Path) {
    for path in parts(directory) {
        let Some(age) = age(&path) else { continue };
        if age > YOUNG && is_debris(&path, age) {
            tracing::debug!(path = %path.display(), "removing the temporary file of a dead writer");
            let _ = fs::remove_file(&path);
        }
    }
}

/// The first part of a temporary file's name.
pub(crate) fn file_stem(digest: &Digest) -> String {
    digest.to_string().replace(':', "-")
}

fn is_debris(path: &Path, age: Duration) -> bool {
    let Ok(file) = File::open(path) else {
        return false;
    };
    match file.try_lock_shared() {
        Ok(()) => true,
        Err(TryLockError::WouldBlock) => false,
        Err(TryLockError::Error(_)) => age > ABANDONED,
    }
}

fn is_locked(path: &Path) -> bool {
    File::open(path)
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Time since the last write; zero if the clock was set back.
fn age(path: &Path) -> Option<Duration> {
    let modified = fs::metadata(path).ok()?.modified().ok()?;
    Some(modified.elapsed().unwrap_or_default())
}

fn parts(directory: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(directory)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| name_of(path).ends_with(SUFFIX))
}

fn name_of(path: &Path) -> &str {
    path.file_name().and_then(OsStr::to_str).unwrap_or_default()
}

const SUFFIX: &str = ".part";
const CREATE_ATTEMPTS: u32 = 16;
const YOUNG: Duration = Duration::from_secs(60);
const STALLED: Duration = Duration::from_secs(60);
const ABANDONED: Duration = Duration::from_secs(3600);
