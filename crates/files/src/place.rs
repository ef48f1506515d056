//! A name in an open directory.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, Mode, OFlags, Stat, openat, renameat, statat, unlinkat};
use rustix::io::Errno;

use crate::regular::regular;

/// The place of a file: its directory, open, and its name there. Links with that name are not followed.
#[derive(Debug)]
pub struct Place {
    /// The directory, opened for looking up names only.
    pub directory: OwnedFd,
    /// The last part of the path.
    pub name: OsString,
}

impl Place {
    /// A name beside it for what this process writes, free: what an earlier process of its number left
    /// there is removed.
    #[must_use]
    pub fn temporary(&self) -> OsString {
        let mut name = self.name.clone();
        name.push(format!(".{}.tmp", std::process::id()));
        let _ = self.remove(&name);
        name
    }

    /// The directory opened for reading: to list, lock or sync it.
    ///
    /// # Errors
    /// When it may not be read.
    pub fn open_directory(&self) -> io::Result<File> {
        open_directory(&self.directory)
    }

    /// What has the name; `None` if nothing has.
    ///
    /// # Errors
    /// When the directory may not be searched.
    pub fn stat(&self) -> io::Result<Option<Stat>> {
        stat_at(&self.directory, &self.name)
    }

    /// Opens the file for reading, as [`crate::open`] does.
    ///
    /// # Errors
    /// As [`crate::open`], and for a symbolic link.
    pub fn open(&self) -> io::Result<File> {
        open_at(&self.directory, &self.name)
    }

    /// Makes a file that only this user can read, beside the name and to be [renamed](Self::rename) to it.
    ///
    /// # Errors
    /// When the name exists already.
    pub fn create(&self, beside: &OsStr) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        change_at(&self.directory, beside, flags, 0o600)
    }

    /// Gives a file beside the name that name.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn rename(&self, beside: &OsStr) -> io::Result<()> {
        Ok(renameat(
            &self.directory,
            beside,
            &self.directory,
            &self.name,
        )?)
    }

    /// Removes a file beside the name, or the name itself.
    ///
    /// # Errors
    /// When it does not exist, or may not be removed.
    pub fn remove(&self, name: &OsStr) -> io::Result<()> {
        Ok(unlinkat(&self.directory, name, AtFlags::empty())?)
    }
}

/// A directory that was opened for looking up names, opened for reading.
///
/// # Errors
/// When it may not be read.
pub fn open_directory(directory: &OwnedFd) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(openat(directory, ".", flags, Mode::empty())?.into())
}

/// What has the name; `None` if nothing has.
pub(crate) fn stat_at(directory: &OwnedFd, name: &OsStr) -> io::Result<Option<Stat>> {
    match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => Ok(None),
        stat => Ok(Some(stat?)),
    }
}

/// Opens a file to change or to make it: no link is followed, and nothing is waited for.
pub(crate) fn change_at(
    directory: impl AsFd,
    name: &OsStr,
    flags: OFlags,
    mode: u32,
) -> io::Result<File> {
    let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    Ok(openat(directory, name, flags, Mode::from_raw_mode(mode))?.into())
}

pub(crate) fn open_at(directory: impl AsFd, name: &OsStr) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let flags = flags | OFlags::CLOEXEC;
    regular(openat(directory, name, flags, Mode::empty())?.into())
}
