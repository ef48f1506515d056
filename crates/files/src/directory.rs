//! A directory that is opened once: what its names reach is not exchanged with the path that led to it.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, Mode, OFlags, Stat, fstat, mkdirat, openat, renameat, unlinkat};
use rustix::io::Errno;

use crate::place::{self, open_directory};
use crate::regular::regular;
use crate::replace::place_of;
use crate::root::{Root, is_another_user};
use crate::whole::whole;

/// An open directory. Everything is reached by a name in it, and what is made or changed never through a
/// symbolic link.
#[derive(Debug)]
pub struct Directory {
    opened: OwnedFd,
    path: PathBuf,
    links: Links,
}

/// Which symbolic links lead on, to a directory or to a file that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// All, as for any program: where nothing is written.
    Any,
    /// Those that no other user can have placed.
    Trusted,
}

impl Directory {
    /// Opens the directory at a path.
    ///
    /// # Errors
    /// When it does not exist, is not a directory, or a link on the way does not lead on.
    pub fn open(path: &Path, links: Links) -> io::Result<Self> {
        let opened = match links {
            Links::Any => rustix::fs::open(path, LOOK_UP, Mode::empty())?,
            Links::Trusted => {
                let (root, real) = Root::of_machine(path)?;
                root.directory(&real)?
            }
        };
        Ok(Self {
            opened,
            path: path.to_owned(),
            links,
        })
    }

    /// As [`Self::open`] by trusted links; what does not exist is made, with this mode.
    ///
    /// # Errors
    /// As [`Self::open`], and when a directory cannot be made.
    pub fn make(path: &Path, mode: u32) -> io::Result<Self> {
        let (root, real) = Root::of_machine(path)?;
        Ok(Self {
            opened: root.make_directories(&real, mode)?,
            path: path.to_owned(),
            links: Links::Trusted,
        })
    }

    /// The path that it was opened by, for messages.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Which links lead on.
    #[must_use]
    pub fn links(&self) -> Links {
        self.links
    }

    /// Opens a directory in this one.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn subdirectory(&self, name: &str) -> io::Result<Self> {
        let path = self.path.join(name);
        let flags = match self.links {
            Links::Any => LOOK_UP,
            Links::Trusted => LOOK_UP | OFlags::NOFOLLOW,
        };
        match openat(&self.opened, name, flags, Mode::empty()) {
            Ok(opened) => Ok(Self {
                opened,
                path,
                links: self.links,
            }),
            // It is a link.
            Err(Errno::NOTDIR) if self.links == Links::Trusted => Self::open(&path, self.links),
            Err(errno) => Err(errno.into()),
        }
    }

    /// As [`Self::subdirectory`]; one that does not exist is made, with this mode.
    ///
    /// # Errors
    /// As [`Self::subdirectory`], and when it cannot be made.
    pub fn make_subdirectory(&self, name: &str, mode: u32) -> io::Result<Self> {
        match self.subdirectory(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                match mkdirat(&self.opened, name, Mode::from_raw_mode(mode)) {
                    Ok(()) | Err(Errno::EXIST) => self.subdirectory(name),
                    Err(errno) => Err(errno.into()),
                }
            }
            opened => opened,
        }
    }

    /// Opens a file for reading, as [`crate::open`] does.
    ///
    /// # Errors
    /// As [`crate::open`], and when it is a link that does not lead on.
    pub fn open_file(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let flags = match self.links {
            Links::Any => flags,
            Links::Trusted => flags | OFlags::NOFOLLOW,
        };
        match openat(&self.opened, name, flags, Mode::empty()) {
            // It is a link.
            Err(Errno::LOOP) if self.links == Links::Trusted => {
                place_of(&self.path.join(name))?.open()
            }
            opened => regular(opened?.into()),
        }
    }

    /// As [`crate::read`].
    ///
    /// # Errors
    /// As [`Self::open_file`] and [`crate::read`].
    pub fn read(&self, name: &str, limit: u64) -> io::Result<Vec<u8>> {
        whole(self.open_file(name)?, limit).map(|mut bytes| std::mem::take(&mut *bytes))
    }

    /// Opens a file that this process changes, or may make: no link is followed, and nothing is waited for.
    ///
    /// # Errors
    /// When the system refuses, and for a symbolic link.
    pub fn open_to_change(&self, name: &str, flags: OFlags, mode: u32) -> io::Result<File> {
        place::change_at(&self.opened, name.as_ref(), flags, mode)
    }

    /// What has the name, which may be a link; `None` if nothing has.
    ///
    /// # Errors
    /// When the directory may not be searched.
    pub fn stat(&self, name: &str) -> io::Result<Option<Stat>> {
        place::stat_at(&self.opened, name.as_ref())
    }

    /// Gives a file a name in `directory`, in place of what has that name.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn rename(&self, name: &str, directory: &Self, new: &str) -> io::Result<()> {
        Ok(renameat(&self.opened, name, &directory.opened, new)?)
    }

    /// Removes a file; of a link only the link.
    ///
    /// # Errors
    /// When it does not exist, or may not be removed.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        Ok(unlinkat(&self.opened, name, AtFlags::empty())?)
    }

    /// The names in it.
    ///
    /// # Errors
    /// When it may not be read; a name is an error when the reading ends before the directory does.
    pub fn names(&self) -> io::Result<impl Iterator<Item = io::Result<OsString>> + use<>> {
        let entries = Dir::new(open_directory(&self.opened)?)?;
        let names = entries.map(|entry| {
            let name = entry?.file_name().to_bytes().to_owned();
            Ok(OsString::from_vec(name))
        });
        let is_itself = |name: &OsString| name == "." || name == "..";
        Ok(names.filter(move |name| !name.as_ref().is_ok_and(is_itself)))
    }

    /// Makes the renames in it survive a power cut.
    ///
    /// # Errors
    /// When it may not be read, or the disk fails.
    pub fn sync(&self) -> io::Result<()> {
        open_directory(&self.opened)?.sync_all()
    }

    /// Whether it belongs to a user besides root and that of this process.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn is_of_another_user(&self) -> io::Result<bool> {
        Ok(is_another_user(&fstat(&self.opened)?))
    }
}

const LOOK_UP: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
