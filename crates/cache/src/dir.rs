//! The cache directory: where it is, and whether it is private enough to hold passwords.
//!
//! The directory is opened once, checked through the open descriptor, and every file is reached
//! from that descriptor: no other directory can take its place after the check.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use regcred_core::{Env, report};
use regcred_files::{Root, open_directory};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use secrecy::zeroize::Zeroizing;

use crate::vars;

/// A directory that belongs to this user alone. Cheap to clone.
#[derive(Clone, Debug)]
pub struct CacheDir(Arc<Opened>);

#[derive(Debug)]
struct Opened {
    path: PathBuf,
    fd: OwnedFd,
}

impl CacheDir {
    /// The directory that the environment names, opened, and made if it does not exist. `None` if
    /// the cache is off or unusable; the reason is logged, as a warning if it concerns safety.
    #[must_use]
    pub fn resolve(env: &Env) -> Option<Self> {
        let is_named = env.get(vars::CACHE_VAR).is_some();
        match Self::find(env) {
            Ok(dir) => dir,
            Err(error) if is_named || error.is_unsafe() => {
                tracing::warn!("credentials are not cached: {}", report(&error));
                None
            }
            Err(error) => {
                tracing::debug!("credentials are not cached: {}", report(&error));
                None
            }
        }
    }

    /// The directory that the environment names, as [`Self::resolve`] opens it, for a command about
    /// the cache. `None` if the cache is off, or the user has no place for it.
    ///
    /// # Errors
    /// When the directory is unusable, or the variable for it is neither `off` nor an absolute path.
    pub fn find(env: &Env) -> Result<Option<Self>, CacheDirError> {
        let path = match env.get(vars::CACHE_VAR) {
            Some(word) if word.eq_ignore_ascii_case("off") => None,
            Some(path) if Path::new(path).is_absolute() => Some(PathBuf::from(path)),
            Some(_) => return Err(CacheDirError::NotAbsolute),
            None => default_path(env),
        };
        path.map(|path| Self::open(&path)).transpose()
    }

    /// Opens the directory, making it and its parents (mode 0700) where they are missing.
    ///
    /// # Errors
    /// When it cannot be made or opened, is a symbolic link or lies below one of another user's, belongs
    /// to another user, or can be reached by other users and not be made private.
    pub fn open(path: &Path) -> Result<Self, CacheDirError> {
        // Without a final slash, which would make O_NOFOLLOW follow.
        let path: PathBuf = path.components().collect();
        let fail = |source: io::Error| CacheDirError::Open {
            path: path.clone(),
            source,
        };
        let root = Root::open(Path::new("/")).map_err(fail)?;
        let real = root
            .real(&path, false)
            .map_err(|source| match source.kind() {
                io::ErrorKind::Other => CacheDirError::Link {
                    path: path.clone(),
                    source,
                },
                _ => fail(source),
            })?;
        let made = root.make_directories(&real, 0o700);
        let fd = match made.and_then(|fd| open_directory(&fd)) {
            Ok(fd) => OwnedFd::from(fd),
            Err(error) if is_no_directory(&error) => {
                return Err(CacheDirError::NoDirectory { path });
            }
            Err(error) => return Err(fail(error)),
        };
        let dir = Self(Arc::new(Opened { path, fd }));
        dir.close_to_others()?;
        Ok(dir)
    }

    /// The directory's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Refuses a directory that other users can reach. One that holds other files is not made
    /// private: it may be `/tmp`.
    fn close_to_others(&self) -> Result<(), CacheDirError> {
        let path = || self.0.path.clone();
        let fail = |errno: Errno| CacheDirError::Open {
            path: path(),
            source: errno.into(),
        };
        let stat = rustix::fs::fstat(&self.0.fd).map_err(fail)?;
        let mode = stat.st_mode & 0o7777;
        match judge(stat.st_uid, rustix::process::geteuid().as_raw(), mode) {
            Verdict::Private => Ok(()),
            Verdict::Foreign => Err(CacheDirError::Foreign {
                path: path(),
                uid: stat.st_uid,
            }),
            Verdict::Loose if self.names().map_err(fail)?.all(|name| is_ours(&name)) => {
                rustix::fs::fchmod(&self.0.fd, Mode::RWXU)
                    .map_err(|_| CacheDirError::Exposed { path: path(), mode })
            }
            Verdict::Loose | Verdict::Shared => Err(CacheDirError::Exposed { path: path(), mode }),
        }
    }

    /// The names of the cache's files, one after another; the directory may hold others.
    pub(crate) fn own_names(&self) -> impl Iterator<Item = String> + use<> {
        let names = self.names().into_iter().flatten();
        names.filter(|name| is_ours(name))
    }

    /// The names of all entries of the directory.
    fn names(&self) -> Result<impl Iterator<Item = String> + use<>, Errno> {
        let names = Dir::read_from(&self.0.fd)?
            .filter_map(Result::ok)
            .filter_map(|entry| entry.file_name().to_str().ok().map(str::to_owned));
        Ok(names.filter(|name| name != "." && name != ".."))
    }

    /// The file's bytes; `None` for anything but a private regular file of this user within
    /// [`MAX_FILE`].
    pub(crate) fn read(&self, name: &str) -> Option<Zeroizing<Vec<u8>>> {
        // O_NONBLOCK: a FIFO in the file's place must not hold us.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.0.fd, name, flags, Mode::empty()).ok()?;
        let stat = rustix::fs::fstat(&fd).ok()?;
        let size = u64::try_from(stat.st_size).ok()?;
        if !is_private(&stat) || size > MAX_FILE {
            tracing::debug!(
                "ignoring the cache file {name}: not a private regular file, or too large"
            );
            return None;
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(size).ok()? + 1));
        File::from(fd).take(MAX_FILE).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// Replaces the file as a whole: readers see the old one or the new one. Nothing is synced to
    /// disk: what a power failure leaves is malformed and is fetched again.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let (temporary, mut file) = self.temporary(name)?;
        let written = file.write_all(bytes).and_then(|()| {
            rustix::fs::renameat(&self.0.fd, &temporary, &self.0.fd, name).map_err(Into::into)
        });
        if written.is_err() {
            self.remove(&temporary);
        }
        written
    }

    /// A new file next to that name. Its own name may be taken: containers that share the directory
    /// have the same process numbers, and a killed writer leaves its file.
    fn temporary(&self, name: &str) -> io::Result<(String, File)> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut tries = MAX_TAKEN;
        loop {
            let count = COUNTER.fetch_add(1, Ordering::Relaxed);
            let temporary = format!("{name}.{}-{count}{TMP}", std::process::id());
            let mode = Mode::RUSR | Mode::WUSR;
            match rustix::fs::openat(&self.0.fd, &temporary, flags, mode) {
                Err(Errno::EXIST) if tries > 0 => tries -= 1,
                Err(errno) => return Err(errno.into()),
                Ok(fd) => return Ok((temporary, File::from(fd))),
            }
        }
    }

    /// Opens a lock file for reading and writing, and makes it if it does not exist. A file that
    /// another user put there while the directory was open is refused: notes are written into it.
    pub(crate) fn open_lock(&self, name: &str) -> io::Result<File> {
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.0.fd, name, flags, Mode::RUSR | Mode::WUSR)?;
        if !is_private(&rustix::fs::fstat(&fd)?) {
            return Err(io::Error::other("not a private regular file"));
        }
        Ok(File::from(fd))
    }

    /// Whether the open file is still the one of that name.
    pub(crate) fn is_current(&self, file: &File, name: &str) -> bool {
        let open = rustix::fs::fstat(file);
        let named = rustix::fs::statat(&self.0.fd, name, AtFlags::SYMLINK_NOFOLLOW);
        match (open, named) {
            (Ok(open), Ok(named)) => (open.st_dev, open.st_ino) == (named.st_dev, named.st_ino),
            _ => false,
        }
    }

    /// When the file was written last, in seconds since 1970.
    pub(crate) fn modified(&self, name: &str) -> Option<i64> {
        let stat = rustix::fs::statat(&self.0.fd, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        Some(stat.st_mtime)
    }

    /// Removes the file; true if it existed.
    pub(crate) fn remove(&self, name: &str) -> bool {
        rustix::fs::unlinkat(&self.0.fd, name, AtFlags::empty()).is_ok()
    }
}

/// How private an existing directory is.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Private,
    /// Open to other users, and of this user.
    Loose,
    /// Meant to be shared.
    Shared,
    Foreign,
}

fn judge(owner: u32, user: u32, mode: u32) -> Verdict {
    match mode {
        _ if owner != user => Verdict::Foreign,
        _ if mode & 0o077 == 0 => Verdict::Private,
        _ if mode & 0o1000 != 0 => Verdict::Shared,
        _ => Verdict::Loose,
    }
}

/// A regular file of this user that no other user can read or write, under one name only.
fn is_private(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
        && stat.st_uid == rustix::process::geteuid().as_raw()
        && stat.st_mode & 0o077 == 0
        && stat.st_nlink <= 1
}

fn is_no_directory(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::NOTDIR | Errno::LOOP)
    )
}

fn default_path(env: &Env) -> Option<PathBuf> {
    if rustix::process::geteuid().is_root() {
        return Some(PathBuf::from("/run/regcred"));
    }
    let absolute = |name| env.path(name).filter(|path| path.is_absolute());
    absolute(vars::RUNTIME_DIR)
        .or_else(|| absolute(vars::CACHE_HOME))
        .or_else(|| Some(env.home()?.join(".cache")))
        .filter(|path| path.is_absolute())
        .map(|path| path.join("regcred"))
}

/// `<64 hex digits>.json`, its lock and its temporary files.
fn is_ours(name: &str) -> bool {
    let Some((hash, rest)) = name.split_at_checked(64) else {
        return false;
    };
    hash.bytes().all(|b| b.is_ascii_hexdigit())
        && (rest == ENTRY || rest == LOCK || rest.ends_with(TMP))
}

/// Why a directory cannot hold the cache.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheDirError {
    /// The variable's value is neither `off` nor an absolute path.
    #[error("REGCRED_CACHE, or upstream's variable for it, is neither off nor an absolute path")]
    NotAbsolute,
    /// It could not be made, opened or inspected.
    #[error("cannot use the cache directory {path:?}")]
    Open {
        /// The directory.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A link may lead anywhere.
    #[error("the cache directory {path:?} is a symbolic link or not a directory")]
    NoDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// Whoever placed the link chooses the directory whose mode is tightened.
    #[error("cannot use the cache directory {path:?}")]
    Link {
        /// The directory.
        path: PathBuf,
        /// The link.
        source: io::Error,
    },
    /// Its owner can read its files.
    #[error("the cache directory {path:?} belongs to another user (uid {uid})")]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// Its owner.
        uid: u32,
    },
    /// Other users can reach its files.
    #[error(
        "the cache directory {path:?} is accessible to other users (mode {mode:04o}); choose an empty \
         directory with mode 0700"
    )]
    Exposed {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

impl CacheDirError {
    fn is_unsafe(&self) -> bool {
        !matches!(self, Self::Open { .. })
    }
}

pub(crate) const ENTRY: &str = ".json";
pub(crate) const LOCK: &str = ".lock";
pub(crate) const TMP: &str = ".tmp";

/// A credential is a few KiB; an Azure token with many groups some tens.
pub(crate) const MAX_FILE: u64 = 256 * 1024;
/// How many temporary names may be taken.
const MAX_TAKEN: usize = 4096;

#[cfg(test)]
mod tests;
