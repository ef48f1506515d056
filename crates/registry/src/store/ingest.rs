//! Temporary files of the store. A blob is written under `ingest/` and renamed into `blobs/` when
//! it is verified, so what a killed writer leaves is here and is never taken for a blob.
//!
//! Each temporary file is locked (`flock`) while its writer runs. A locked file shows a second
//! process that the blob is being written. An unlocked one is the beginning of a blob that the next
//! writer continues, or debris that the next sweep removes.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{OFlags, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, futimens};

use super::error::LayoutError;
use crate::image::Digest;

/// A temporary file, removed when this is dropped unless [`Temporary::publish`] or
/// [`Temporary::keep`] was called.
#[derive(Debug)]
pub(crate) struct Temporary {
    path: PathBuf,
    file: File,
    /// The size of the finished file in bytes, for the message about a full disk.
    size: u64,
    stays: bool,
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
                        stays: false,
                    });
                }
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
                Err(e) if e.kind() == ErrorKind::NotFound => {
                    fs::create_dir_all(directory).map_err(LayoutError::io("create", directory))?;
                }
                Err(e) => return Err(LayoutError::write(&path, size)(e)),
            }
        }
        Err(LayoutError::io("create a file in", directory)(
            ErrorKind::AlreadyExists.into(),
        ))
    }

    /// Takes over the longest beginning of a blob of `size` bytes that a dead writer left, with its
    /// length; `None` if no beginning is found. Its content is not verified.
    pub(crate) fn take_over(directory: &Path, digest: &Digest, size: u64) -> Option<(Self, u64)> {
        let mut found: Vec<_> = parts_of(directory, digest)
            .filter_map(|path| Some((fs::symlink_metadata(&path).ok()?.len(), path)))
            .filter(|(length, _)| (1..=size).contains(length))
            .collect();
        found.sort_unstable();
        found.into_iter().rev().find_map(|(_, path)| {
            let file = lock_abandoned(&path, true).ok()?;
            let length = file.metadata().ok()?.len();
            if length > size {
                return None;
            }
            // A recent time shows other processes that the blob is being written.
            set_modified_now(&file).ok()?;
            let part = Self {
                path,
                file,
                size,
                stays: true,
            };
            Some((part, length))
        })
    }

    /// Whether the file stays when this is dropped, for the next writer.
    pub(crate) fn keep(&mut self, stays: bool) {
        self.stays = stays;
    }

    /// Reads the first `length` bytes; the next write follows them.
    pub(crate) fn read_back(
        &mut self,
        length: u64,
        mut each: impl FnMut(&[u8]),
    ) -> Result<(), LayoutError> {
        let failed = || LayoutError::io("read", &self.path);
        self.file.seek(SeekFrom::Start(0)).map_err(failed())?;
        let mut buffer = vec![0; BUFFER];
        let mut left = length;
        while left > 0 {
            let part = buffer
                .len()
                .min(usize::try_from(left).unwrap_or(usize::MAX));
            self.file
                .read_exact(&mut buffer[..part])
                .map_err(failed())?;
            each(&buffer[..part]);
            left -= part as u64;
        }
        Ok(())
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
        let renamed = match (fs::rename(&self.path, target), target.parent()) {
            (Err(error), Some(directory)) if error.kind() == ErrorKind::NotFound => {
                fs::create_dir_all(directory).map_err(LayoutError::io("create", directory))?;
                fs::rename(&self.path, target)
            }
            (renamed, _) => renamed,
        };
        renamed.map_err(LayoutError::io("rename a blob to", target))?;
        self.stays = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.stays {
            // Nothing can be done about a failure here; the next sweep tries again.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The temporary files of `digest` that a running writer is still filling, by name, except `own`.
/// A writer that has written nothing for [`STALLED`] does not count: it is not waited for.
pub(crate) fn writers_of(directory: &Path, digest: &Digest, own: Option<&Path>) -> Vec<PathBuf> {
    parts_of(directory, digest)
        .filter(|path| Some(path.as_path()) != own)
        .filter(|path| age(path).is_some_and(|age| age < STALLED) && is_locked(path))
        .collect()
}

/// The lengths of the beginnings of blobs in a directory, which is read once.
pub(crate) struct Beginnings(Vec<(PathBuf, u64)>);

impl Beginnings {
    pub(crate) fn of(directory: &Path) -> Self {
        let length = |path: PathBuf| {
            let length = fs::symlink_metadata(&path).ok()?.len();
            Some((path, length))
        };
        Self(parts(directory).filter_map(length).collect())
    }

    /// The length of the longest beginning of a blob of `size` bytes, in bytes; 0 if no beginning is found.
    pub(crate) fn longest(&self, digest: &Digest, size: u64) -> u64 {
        let of_blob = self.0.iter().filter(|(path, _)| is_part_of(path, digest));
        let lengths = of_blob.map(|(_, length)| *length);
        lengths.filter(|length| *length <= size).max().unwrap_or(0)
    }
}

/// Removes what dead writers left, except the beginnings of blobs that are wanted: those stay for a
/// day. An empty file younger than a minute may be about to be locked.
pub(crate) fn sweep(directory: &Path, is_wanted: impl Fn(&Digest) -> bool) {
    for path in parts(directory) {
        let (Some(age), Ok(found)) = (age(&path), fs::symlink_metadata(&path)) else {
            continue;
        };
        let is_young = found.len() == 0 && age < YOUNG;
        let is_kept = || age < KEPT && digest_of(&path).is_some_and(|digest| is_wanted(&digest));
        if !is_young && !is_kept() {
            remove_abandoned(&path, age);
        }
    }
}

/// The first part of a temporary file's name.
pub(crate) fn file_stem(digest: &Digest) -> String {
    digest.to_string().replace(':', "-")
}

/// The digest in a temporary file's name.
fn digest_of(path: &Path) -> Option<Digest> {
    let (stem, _) = name_of(path).split_once('.')?;
    stem.replacen('-', ":", 1).parse().ok()
}

fn remove_abandoned(path: &Path, age: Duration) {
    // The lock is held until the file has no name, so that no writer takes it over meanwhile.
    let lock = match lock_abandoned(path, false) {
        Ok(file) => Some(file),
        Err(NotAbandoned::Unknown) if age > ABANDONED => None,
        Err(_) => return,
    };
    tracing::debug!(path = %path.display(), "removing the temporary file of a dead writer");
    let _ = fs::remove_file(path);
    drop(lock);
}

/// Opens and locks a file that no writer holds. To be continued, it must be a regular file of this
/// user with this one name, so that another user cannot choose the file that is written to.
fn lock_abandoned(path: &Path, to_continue: bool) -> Result<File, NotAbandoned> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = OpenOptions::new()
        .read(true)
        .write(to_continue)
        .custom_flags(i32::try_from(flags.bits()).unwrap_or_default())
        .open(path)
        .map_err(|_| NotAbandoned::Other)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(NotAbandoned::Other),
        Err(TryLockError::Error(_)) => return Err(NotAbandoned::Unknown),
    }
    let (Ok(held), Ok(named)) = (file.metadata(), fs::symlink_metadata(path)) else {
        return Err(NotAbandoned::Other);
    };
    // Another process may have removed or published it before the lock.
    let is_same = (held.dev(), held.ino()) == (named.dev(), named.ino());
    let is_own = held.uid() == rustix::process::geteuid().as_raw() && held.nlink() == 1;
    if is_same && held.is_file() && (is_own || !to_continue) {
        Ok(file)
    } else {
        Err(NotAbandoned::Other)
    }
}

/// Why a file was not locked.
enum NotAbandoned {
    /// This file system has no locks.
    Unknown,
    /// A writer holds it, or it is not a file that may be continued or removed.
    Other,
}

fn is_locked(path: &Path) -> bool {
    regcred_files::open(path)
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Time since the last write; zero if the clock was set back.
fn age(path: &Path) -> Option<Duration> {
    let modified = fs::symlink_metadata(path).ok()?.modified().ok()?;
    Some(modified.elapsed().unwrap_or_default())
}

fn parts_of(directory: &Path, digest: &Digest) -> impl Iterator<Item = PathBuf> {
    parts(directory).filter(move |path| is_part_of(path, digest))
}

fn is_part_of(path: &Path, digest: &Digest) -> bool {
    let rest = name_of(path).strip_prefix(&file_stem(digest));
    rest.is_some_and(|rest| rest.starts_with('.'))
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
/// What is read at a time to hash the beginning of a blob.
const BUFFER: usize = 256 * 1024;
const KEPT: Duration = Duration::from_secs(24 * 3600);
const YOUNG: Duration = Duration::from_secs(60);
const STALLED: Duration = Duration::from_secs(60);
const ABANDONED: Duration = Duration::from_secs(3600);

/// The kernel's own time as the file's, whatever this program's clock is.
fn set_modified_now(file: &File) -> io::Result<()> {
    let only = |tv_nsec| Timespec { tv_sec: 0, tv_nsec };
    Ok(futimens(
        file,
        &Timestamps {
            last_access: only(UTIME_OMIT),
            last_modification: only(UTIME_NOW),
        },
    )?)
}
