//! A path followed from a root directory, one directory after another.
//!
//! A symbolic link is followed only where no other user can have placed it, and what was found is an
//! open directory: nothing is looked up by its path twice, so nothing can take its place after a check.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Component, Path, PathBuf, absolute};

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, Stat, fstat, mkdirat, openat, readlinkat, statat,
};
use rustix::io::Errno;

use crate::place::Place;

/// The directory at which all paths begin: `/`, or that of an image.
#[derive(Debug)]
pub struct Root(OwnedFd);

impl Root {
    /// Opens it.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(rustix::fs::open(path, flags, Mode::empty())?))
    }

    /// That of this machine, and the path without symbolic links there.
    pub(crate) fn of_machine(path: &Path) -> io::Result<(Self, PathBuf)> {
        let root = Self::open(Path::new("/"))?;
        let real = root.real(&absolute(path)?, true)?;
        Ok((root, real))
    }

    /// The path without symbolic links; with `last` also its last part is followed. What does not
    /// exist is kept as it is written.
    ///
    /// # Errors
    /// When another user may have placed a link, or links make a circle.
    pub fn real(&self, path: &Path, last: bool) -> io::Result<PathBuf> {
        let mut left = parts(path)?;
        // The way so far; a part that is not a directory ends what can be looked up.
        let mut way: Vec<(OsString, Option<OwnedFd>)> = Vec::new();
        let mut links = 0;
        while let Some(name) = left.pop_front() {
            if name == ".." {
                way.pop();
                continue;
            }
            let directory = match way.last() {
                None => Some(&self.0),
                Some((_, directory)) => directory.as_ref(),
            };
            let Some(directory) = directory else {
                way.push((name, None));
                continue;
            };
            let next = match open(directory, &name) {
                Ok(next) => Some(next),
                Err(Errno::NOENT | Errno::NOTDIR) => None,
                Err(error) => return Err(error.into()),
            };
            let link = match next {
                Some(_) => None,
                None => statat(directory, &name, AtFlags::SYMLINK_NOFOLLOW).ok(),
            };
            let link = link.filter(|stat| FileType::from_raw_mode(stat.st_mode).is_symlink());
            let Some(link) = link.filter(|_| last || !left.is_empty()) else {
                way.push((name, next));
                continue;
            };
            if !is_trusted(&Owned::of(&fstat(directory)?), &Owned::of(&link), own()) {
                return Err(io::Error::other(format!(
                    "{} is a symbolic link in a directory that users besides root may change; name the \
                     path that it leads to",
                    name.display()
                )));
            }
            links += 1;
            if links > MOST_LINKS {
                return Err(Errno::LOOP.into());
            }
            let target = readlinkat(directory, &name, Vec::new())?.into_bytes();
            let target = PathBuf::from(OsString::from_vec(target));
            if target.is_absolute() {
                way.clear();
            }
            for part in parts(&target)?.into_iter().rev() {
                left.push_front(part);
            }
        }
        let way = way.iter().map(|(name, _)| name);
        Ok(Path::new("/").join(way.collect::<PathBuf>()))
    }

    /// The place of a path that has no symbolic link before its last part.
    ///
    /// # Errors
    /// When a directory on the way cannot be opened, or is a symbolic link by now.
    pub fn place(&self, path: &Path) -> io::Result<Place> {
        let mut parts = parts(path)?;
        let name = parts.pop_back();
        let name = name.ok_or_else(|| io::Error::from(io::ErrorKind::IsADirectory))?;
        Ok(Place {
            directory: self.down(parts, None)?,
            name,
        })
    }

    /// The directory at a path without symbolic links.
    ///
    /// # Errors
    /// As [`Self::place`].
    pub fn directory(&self, path: &Path) -> io::Result<OwnedFd> {
        self.down(parts(path)?, None)
    }

    /// The directory at a path without symbolic links; what does not exist is made.
    ///
    /// # Errors
    /// As [`Self::place`], and when a directory cannot be made.
    pub fn make_directories(&self, path: &Path, mode: u32) -> io::Result<OwnedFd> {
        self.down(parts(path)?, Some(Mode::from_raw_mode(mode)))
    }

    /// The first directory on the way to a path that others may change.
    ///
    /// # Errors
    /// When a directory on the way cannot be opened.
    pub fn foreign(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        self.first(path, |stat| {
            // In a directory with the sticky bit nothing of root's can be replaced.
            let is_sticky = stat.st_mode & 0o1000 != 0 && stat.st_uid == 0;
            may_others_change(&Owned::of(stat), own()) && !is_sticky
        })
    }

    /// The first directory on the way to a path, or at it, that belongs to a user besides root and that of this
    /// process.
    ///
    /// # Errors
    /// As [`Self::foreign`].
    pub fn of_another_user(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        self.first(path, is_another_user)
    }

    /// The first directory on the way to a path, or at it, of this kind.
    fn first(&self, path: &Path, is_it: impl Fn(&Stat) -> bool) -> io::Result<Option<PathBuf>> {
        let mut seen = PathBuf::from("/");
        let mut directory = self.0.as_fd().try_clone_to_owned()?;
        let mut left = parts(path)?;
        loop {
            if is_it(&fstat(&directory)?) {
                return Ok(Some(seen));
            }
            let Some(name) = left.pop_front() else {
                return Ok(None);
            };
            seen.push(&name);
            directory = match open(&directory, &name) {
                Ok(next) => next,
                Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
        }
    }

    fn down(&self, parts: VecDeque<OsString>, make: Option<Mode>) -> io::Result<OwnedFd> {
        let mut directory = self.0.as_fd().try_clone_to_owned()?;
        for name in parts {
            if name == ".." {
                return Err(Errno::INVAL.into());
            }
            directory = match (open(&directory, &name), make) {
                (Err(Errno::NOENT), Some(mode)) => {
                    match mkdirat(&directory, &name, mode) {
                        Ok(()) | Err(Errno::EXIST) => {}
                        Err(error) => return Err(error.into()),
                    }
                    open(&directory, &name)?
                }
                (opened, _) => opened?,
            };
        }
        Ok(directory)
    }
}

fn parts(path: &Path) -> io::Result<VecDeque<OsString>> {
    let mut parts = VecDeque::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => parts.push_back(name.to_owned()),
            Component::ParentDir => parts.push_back("..".into()),
            Component::RootDir | Component::CurDir => {}
            Component::Prefix(_) => return Err(Errno::INVAL.into()),
        }
    }
    Ok(parts)
}

fn open(directory: &OwnedFd, name: &OsStr) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(directory, name, flags, Mode::empty())
}

/// The user of this process.
fn own() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Whether a file or directory belongs to a user besides root and that of this process.
pub(crate) fn is_another_user(stat: &Stat) -> bool {
    !is_root(stat.st_uid) && stat.st_uid != own()
}

/// Root, or the user as whom a user namespace shows root and everybody else of the machine.
fn is_root(uid: u32) -> bool {
    uid == 0 || (uid == OVERFLOW && is_in_user_namespace())
}

fn is_in_user_namespace() -> bool {
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    !map.split_whitespace().eq(["0", "0", "4294967295"])
}

/// Whose a directory or a link is.
struct Owned {
    uid: u32,
    mode: u32,
    is_only_name: bool,
}

impl Owned {
    fn of(stat: &Stat) -> Self {
        Self {
            uid: stat.st_uid,
            mode: stat.st_mode,
            is_only_name: stat.st_nlink == 1,
        }
    }
}

/// Whether users besides root and that of this process may change a directory.
fn may_others_change(directory: &Owned, own: u32) -> bool {
    (!is_root(directory.uid) && directory.uid != own) || directory.mode & 0o022 != 0
}

/// Whether a link may be followed. Root follows none that others may have placed or moved; another user
/// also follows links of root's and its own, as in a directory that its group may change.
fn is_trusted(directory: &Owned, link: &Owned, own: u32) -> bool {
    let is_known = own != 0 && (is_root(link.uid) || link.uid == own) && link.is_only_name;
    is_known || !may_others_change(directory, own)
}

const OVERFLOW: u32 = 65534;
/// As the kernel's own limit.
const MOST_LINKS: u32 = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_another_user_may_have_placed_are_not_followed() {
        let directory = |uid, mode| Owned {
            uid,
            mode,
            is_only_name: false,
        };
        let link = |uid| Owned {
            uid,
            mode: 0o777,
            is_only_name: true,
        };
        let hard = |uid| Owned {
            is_only_name: false,
            ..link(uid)
        };
        for (directory, link, own, expected) in [
            (directory(0, 0o755), link(0), 0, true),
            (directory(7, 0o700), link(7), 0, false),
            (directory(7, 0o700), link(0), 0, false),
            (directory(0, 0o775), link(0), 0, false),
            (directory(0, 0o1777), link(0), 0, false),
            (directory(0, 0o755), link(0), 7, true),
            (directory(7, 0o775), link(7), 7, true),
            (directory(7, 0o775), link(8), 7, false),
            (directory(7, 0o775), hard(7), 7, false),
            (directory(0, 0o1777), link(7), 7, true),
            (directory(0, 0o1777), link(8), 7, false),
            (directory(8, 0o755), link(0), 7, true),
            (directory(8, 0o755), link(8), 7, false),
        ] {
            let (whose, mode) = (directory.uid, directory.mode);
            assert_eq!(
                is_trusted(&directory, &link, own),
                expected,
                "link of {} in {mode:o} of {whose}, for {own}",
                link.uid
            );
        }
    }
}
