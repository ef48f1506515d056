//! One directory after another, from the root of a tree to a path.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, openat, readlinkat, statat};
use rustix::io::Errno;

/// The directory of a path, and the path's last part.
#[derive(Debug)]
pub(super) struct Walk {
    pub(super) directory: OwnedFd,
    pub(super) name: String,
}

impl Walk {
    /// Of a path that has no symbolic link before its last part.
    pub(super) fn parent(root: &OwnedFd, path: &Path) -> io::Result<Self> {
        let mut parts = parts(path)?;
        let name = parts.pop_back();
        let name = name.ok_or_else(|| io::Error::from(io::ErrorKind::IsADirectory))?;
        Ok(Self {
            directory: down(root, parts)?,
            name,
        })
    }

    /// The directory at a path without symbolic links.
    pub(super) fn directory(root: &OwnedFd, path: &Path) -> io::Result<OwnedFd> {
        down(root, parts(path)?)
    }

    /// Follows symbolic links that are in a directory of the superuser's.
    pub(super) fn real(root: &OwnedFd, path: &Path, last: bool) -> io::Result<PathBuf> {
        let mut left = parts(path)?;
        // The way so far; a part that is not a directory ends what can be looked up.
        let mut way: Vec<(String, Option<OwnedFd>)> = Vec::new();
        let mut links = 0;
        while let Some(name) = left.pop_front() {
            if name == ".." {
                way.pop();
                continue;
            }
            let directory = match way.last() {
                None => Some(root),
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
            let is_link = next.is_none()
                && statat(directory, &name, AtFlags::SYMLINK_NOFOLLOW)
                    .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink);
            if !is_link || (left.is_empty() && !last) {
                way.push((name, next));
                continue;
            }
            if may_others_change(&fstat(directory)?) {
                return Err(io::Error::other(format!(
                    "{name} is a symbolic link in a directory that users besides root may change"
                )));
            }
            links += 1;
            if links > MOST_LINKS {
                return Err(Errno::LOOP.into());
            }
            let target = readlinkat(directory, &name, Vec::new())?;
            let target = PathBuf::from(target.to_string_lossy().into_owned());
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

    /// The first directory on the way to a path that others may change.
    pub(super) fn foreign(root: &OwnedFd, path: &Path) -> io::Result<Option<PathBuf>> {
        let mut seen = PathBuf::from("/");
        let mut directory = root.as_fd().try_clone_to_owned()?;
        let mut left = parts(path)?;
        loop {
            let stat = fstat(&directory)?;
            // In a directory with the sticky bit nothing of root's can be replaced.
            let is_sticky = stat.st_mode & 0o1000 != 0 && stat.st_uid == 0;
            if may_others_change(&stat) && !is_sticky {
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
}

fn parts(path: &Path) -> io::Result<VecDeque<String>> {
    let mut parts = VecDeque::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => parts.push_back(name.to_string_lossy().into_owned()),
            Component::ParentDir => parts.push_back("..".to_owned()),
            Component::RootDir | Component::CurDir => {}
            Component::Prefix(_) => return Err(Errno::INVAL.into()),
        }
    }
    Ok(parts)
}

fn down(root: &OwnedFd, parts: VecDeque<String>) -> io::Result<OwnedFd> {
    let mut directory = root.as_fd().try_clone_to_owned()?;
    for name in parts {
        if name == ".." {
            return Err(Errno::INVAL.into());
        }
        directory = open(&directory, &name)?;
    }
    Ok(directory)
}

fn open(directory: &OwnedFd, name: &str) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(directory, name, flags, Mode::empty())
}

/// Whether users besides root and that of this process may change a directory.
fn may_others_change(stat: &Stat) -> bool {
    let own = rustix::process::geteuid().as_raw();
    (stat.st_uid != 0 && stat.st_uid != own) || stat.st_mode & 0o022 != 0
}

/// As the kernel's own limit.
const MOST_LINKS: u32 = 40;
