//! Temporary files of the store. A blob is written under `ingest/` and renamed into `blobs/` when
//! it is verified, so what a killed writer leaves is here and is never taken for a blob.
//!
//! Each temporary file is locked (`flock`) while its writer runs. A locked file shows a second
//! process that the blob is being written. An unlocked one is the beginning of a blob that the next
//! writer continues, or debris that the next sweep removes.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use regcred_files::Directory;
use rustix::fs::{
    FileType, OFlags, Stat, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, fstat, futimens,
};

use super::error::LayoutError;
use crate::image::Digest;

/// A temporary file, removed when this is dropped unless [`Temporary::publish`] or
/// [`Temporary::keep`] was called.
#[derive(Debug)]
pub(crate) struct Temporary {
    directory: Arc<Directory>,
    name: String,
    file: File,
    /// The size of the finished file in bytes, for the message about a full disk.
    size: u64,
    stays: bool,
}

impl Temporary {
    /// Creates `NAME.RANDOM.part` in the directory and locks it.
    pub(crate) fn create(
        directory: &Arc<Directory>,
        name: &str,
        size: u64,
    ) -> Result<Self, LayoutError> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        for _ in 0..CREATE_ATTEMPTS {
            // Differs between processes and calls. It need not be secret: files are only ever created,
            // never opened, under such a name.
            let random = regcred_http::random_word();
            let name = format!("{name}.{random:016x}{SUFFIX}");
            match directory.open_to_change(&name, flags, 0o666) {
                Ok(file) => {
                    // Without locks (some network file systems) only age identifies debris.
                    let _ = file.lock();
                    return Ok(Self {
                        directory: directory.clone(),
                        name,
                        file,
                        size,
                        stays: false,
                    });
                }
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
                Err(e) => return Err(LayoutError::write(&directory.path().join(name), size)(e)),
            }
        }
        Err(LayoutError::io("create a file in", directory.path())(
            ErrorKind::AlreadyExists.into(),
        ))
    }

    /// Takes over the longest beginning of a blob of `size` bytes that a dead writer left, with its
    /// length; `None` if no beginning is found. Its content is not verified.
    pub(crate) fn take_over(
        directory: &Arc<Directory>,
        digest: &Digest,
        size: u64,
    ) -> Option<(Self, u64)> {
        let mut found: Vec<_> = parts_of(directory, digest)
            .filter_map(|name| Some((length(&found(directory, &name)?), name)))
            .filter(|(length, _)| (1..=size).contains(length))
            .collect();
        found.sort_unstable();
        found.into_iter().rev().find_map(|(_, name)| {
            let file = lock_abandoned(directory, &name, true).ok()?;
            let length = file.metadata().ok()?.len();
            if length > size {
                return None;
            }
            // A recent time shows other processes that the blob is being written.
            set_modified_now(&file).ok()?;
            let part = Self {
                directory: directory.clone(),
                name,
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
        let path = self.path();
        let failed = || LayoutError::io("read", &path);
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

    pub(crate) fn directory(&self) -> &Directory {
        &self.directory
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// For messages.
    fn path(&self) -> PathBuf {
        self.directory.path().join(&self.name)
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), LayoutError> {
        let written = self.file.write_all(bytes);
        written.map_err(|error| LayoutError::write(&self.path(), self.size)(error))
    }

    /// Renames the file to a name in `directory`, which it replaces. With `durable`, its content is on
    /// the disk before it has the new name.
    pub(crate) fn publish(
        mut self,
        directory: &Directory,
        name: &str,
        durable: bool,
    ) -> Result<(), LayoutError> {
        if durable {
            let synced = self.file.sync_data();
            synced.map_err(LayoutError::write(&self.path(), self.size))?;
        }
        let renamed = self.directory.rename(&self.name, directory, name);
        let target = || directory.path().join(name);
        renamed.map_err(|error| LayoutError::io("rename a blob to", &target())(error))?;
        self.stays = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.stays {
            // Nothing can be done about a failure here; the next sweep tries again.
            let _ = self.directory.remove(&self.name);
        }
    }
}

/// The names of the temporary files of `digest` that a running writer is still filling. A writer that has
/// written nothing for [`STALLED`] does not count: it is not waited for.
pub(crate) fn writers_of(directory: &Directory, digest: &Digest) -> impl Iterator<Item = String> {
    parts_of(directory, digest).filter(|name| {
        let age = found(directory, name).and_then(|found| age(&found));
        age.is_some_and(|age| age < STALLED) && is_locked(directory, name)
    })
}

/// The lengths of the beginnings of blobs in a directory, which is read once.
pub(crate) struct Beginnings(Vec<(String, u64)>);

impl Beginnings {
    pub(crate) fn of(directory: &Directory) -> Self {
        let length = |name: String| {
            let length = length(&found(directory, &name)?);
            Some((name, length))
        };
        Self(parts(directory).filter_map(length).collect())
    }

    /// The length of the longest beginning of a blob of `size` bytes, in bytes; 0 if no beginning is found.
    pub(crate) fn longest(&self, digest: &Digest, size: u64) -> u64 {
        let of_blob = self.0.iter().filter(|(name, _)| is_part_of(name, digest));
        let lengths = of_blob.map(|(_, length)| *length);
        lengths.filter(|length| *length <= size).max().unwrap_or(0)
    }
}

/// Removes what dead writers left, except the beginnings of blobs that are wanted: those stay for a
/// day. An empty file younger than a minute may be about to be locked.
pub(crate) fn sweep(directory: &Directory, is_wanted: impl Fn(&Digest) -> bool) {
    for name in parts(directory) {
        let Some(found) = found(directory, &name) else {
            continue;
        };
        let Some(age) = age(&found) else {
            continue;
        };
        let is_young = length(&found) == 0 && age < YOUNG;
        let is_kept = || age < KEPT && digest_of(&name).is_some_and(|digest| is_wanted(&digest));
        if !is_young && !is_kept() {
            remove_abandoned(directory, &name, age);
        }
    }
}

/// The first part of a temporary file's name.
pub(crate) fn file_stem(digest: &Digest) -> String {
    digest.to_string().replace(':', "-")
}

/// The digest in a temporary file's name.
fn digest_of(name: &str) -> Option<Digest> {
    let (stem, _) = name.split_once('.')?;
    stem.replacen('-', ":", 1).parse().ok()
}

fn remove_abandoned(directory: &Directory, name: &str, age: Duration) {
    // The lock is held until the file has no name, so that no writer takes it over meanwhile.
    let lock = match lock_abandoned(directory, name, false) {
        Ok(file) => Some(file),
        Err(NotAbandoned::Unknown) if age > ABANDONED => None,
        Err(_) => return,
    };
    tracing::debug!(name, "removing the temporary file of a dead writer");
    let _ = directory.remove(name);
    drop(lock);
}

/// Opens and locks a file that no writer holds. To be continued, it must be a regular file of this
/// user with this one name, so that another user cannot choose the file that is written to.
fn lock_abandoned(
    directory: &Directory,
    name: &str,
    to_continue: bool,
) -> Result<File, NotAbandoned> {
    let flags = match to_continue {
        true => OFlags::RDWR,
        false => OFlags::RDONLY,
    };
    let file = directory.open_to_change(name, flags, 0);
    let file = file.map_err(|_| NotAbandoned::Other)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(NotAbandoned::Other),
        Err(TryLockError::Error(_)) => return Err(NotAbandoned::Unknown),
    }
    let (Ok(held), Some(named)) = (fstat(&file), found(directory, name)) else {
        return Err(NotAbandoned::Other);
    };
    // Another process may have removed or published it before the lock.
    let is_same = (held.st_dev, held.st_ino) == (named.st_dev, named.st_ino);
    let is_own = held.st_uid == rustix::process::geteuid().as_raw() && held.st_nlink == 1;
    let is_file = FileType::from_raw_mode(held.st_mode).is_file();
    if is_same && is_file && (is_own || !to_continue) {
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

fn is_locked(directory: &Directory, name: &str) -> bool {
    let file = directory.open_to_change(name, OFlags::RDONLY, 0);
    file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

fn found(directory: &Directory, name: &str) -> Option<Stat> {
    directory.stat(name).ok().flatten()
}

fn length(found: &Stat) -> u64 {
    found.st_size.try_into().unwrap_or_default()
}

/// Time since the last write; zero if the clock was set back.
fn age(found: &Stat) -> Option<Duration> {
    let seconds = found.st_mtime.try_into().ok()?;
    let since = Duration::new(seconds, found.st_mtime_nsec.try_into().ok()?);
    Some((UNIX_EPOCH + since).elapsed().unwrap_or_default())
}

fn parts_of(directory: &Directory, digest: &Digest) -> impl Iterator<Item = String> {
    parts(directory).filter(move |name| is_part_of(name, digest))
}

fn is_part_of(name: &str, digest: &Digest) -> bool {
    let rest = name.strip_prefix(&file_stem(digest));
    rest.is_some_and(|rest| rest.starts_with('.'))
}

fn parts(directory: &Directory) -> impl Iterator<Item = String> {
    let names = directory.names().into_iter().flatten();
    names
        .filter_map(|name| name.ok()?.into_string().ok())
        .filter(|name| name.ends_with(SUFFIX))
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
