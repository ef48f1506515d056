//! Files that a person, a configuration or a tenant named: opened without waiting, regular, and read
//! whole within a limit.
//!
//! A longer file is an error and never cut: its beginning might mean something else than the whole.
//!
//! A file that is written, or that lies in a directory of another user, is reached by [`Root`] and
//! [`Place`]; many in one directory by [`Directory`].

mod directory;
mod place;
mod regular;
mod replace;
mod root;
mod whole;

use std::ffi::OsStr;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use secrecy::{SecretSlice, SecretString};

use regular::regular;
use whole::whole;

pub use directory::{Directory, Links};
pub use place::{Place, open_directory};
pub use replace::{place_of, replace};
pub use root::Root;

/// The bytes of a file of at most `limit` bytes.
///
/// # Errors
/// When it cannot be read, is not a regular file, or is larger.
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    whole(open(path)?, limit).map(|mut bytes| std::mem::take(&mut *bytes))
}

/// As [`read`], for UTF-8 text.
///
/// # Errors
/// As [`read`], and for bytes that are not UTF-8.
pub fn read_text(path: &Path, limit: u64) -> io::Result<String> {
    String::from_utf8(read(path, limit)?).map_err(|_| not_text())
}

/// As [`read`], for a key, a token or a login.
///
/// # Errors
/// As [`read`].
pub fn read_secret_bytes(path: &Path, limit: u64) -> io::Result<SecretSlice<u8>> {
    read(path, limit).map(SecretSlice::from)
}

/// As [`read_text`], for a key, a token or a login.
///
/// # Errors
/// As [`read_text`].
pub fn read_secret(path: &Path, limit: u64) -> io::Result<SecretString> {
    text(&whole(open(path)?, limit)?)
}

/// As [`read_secret`], for a file that [`open`] opened.
///
/// # Errors
/// As [`read_secret`].
pub fn read_secret_from(file: File, limit: u64) -> io::Result<SecretString> {
    text(&whole(file, limit)?)
}

/// Opens a file for reading. A FIFO does not block, and only a regular file is accepted; the null
/// device counts as an empty one.
///
/// # Errors
/// When it cannot be opened or is not a regular file.
pub fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)?;
    regular(file)
}

/// As [`read`], for a name in an open directory. A symbolic link is refused.
///
/// # Errors
/// As [`read`], and for a symbolic link.
pub fn read_at(directory: impl AsFd, name: impl AsRef<OsStr>, limit: u64) -> io::Result<Vec<u8>> {
    let file = place::open_at(directory, name.as_ref())?;
    whole(file, limit).map(|mut bytes| std::mem::take(&mut *bytes))
}

/// Opens a file to lock it, and makes it if it does not exist. A symbolic link is refused: another user
/// who may change the directory must not choose which file is made.
///
/// # Errors
/// When it cannot be opened, and for a symbolic link.
pub fn open_lock(path: &Path, mode: u32) -> io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::CREATE;
    place::change_at(rustix::fs::CWD, path.as_os_str(), flags, mode)
}

/// Locks an open file or directory, and waits for the process that holds the lock.
///
/// # Errors
/// [`io::ErrorKind::TimedOut`] after `patience`; another kind when the file system has no locks.
pub fn lock(file: &File, patience: Duration) -> io::Result<()> {
    let end = Instant::now() + patience;
    let mut pause = SHORTEST_PAUSE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if Instant::now() >= end => {
                let why = "another program holds it";
                return Err(io::Error::new(io::ErrorKind::TimedOut, why));
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(pause),
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn text(bytes: &[u8]) -> io::Result<SecretString> {
    let text = std::str::from_utf8(bytes).map_err(|_| not_text())?;
    Ok(text.into())
}

fn not_text() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text")
}

/// A mebibyte, to spell limits in.
pub const MIB: u64 = 1 << 20;

/// Between the first two attempts to lock; most locks are held for a millisecond.
const SHORTEST_PAUSE: Duration = Duration::from_millis(2);
/// Between two later attempts.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests;
