//! A docker configuration file on this machine: some entries change, everything else stays as it was
//! written; replaced as a whole, under a lock on its directory.

mod look;

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use regcred_api::docker_config::Format;
use regcred_api::docker_config::edit::{Broken, Document};
use secrecy::{ExposeSecret as _, SecretString};

use look::Look;

/// Which file, and how it should look from outside.
#[derive(Clone, Debug)]
pub struct DockerFile {
    /// Where it is.
    pub path: PathBuf,
    /// `user`, `user:group` or numbers; else as the file is.
    pub owner: Option<String>,
    /// Permissions; else as the file's are, 0600 for a new one.
    pub mode: Option<u32>,
}

/// What became of a file, or would.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was not there.
    Created,
    /// It was replaced.
    Updated,
    /// It is so already.
    Unchanged,
}

/// A file that could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system said no.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// What was to be done.
        what: &'static str,
        /// With which file or directory.
        path: PathBuf,
        /// Why it did not work.
        #[source]
        source: io::Error,
    },
    /// What is there is left as it is.
    #[error("cannot change {}", path.display())]
    Broken {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Broken,
    },
    /// A link that could lead to somebody else's file.
    #[error(
        "cannot change {}: a link leads there, and it belongs to somebody else than {owner}",
        path.display()
    )]
    Link {
        /// Where the link leads.
        path: PathBuf,
        /// Who should own it.
        owner: String,
    },
    /// An owner that is not known.
    #[error("there is no user or group {0:?} on this machine")]
    Owner(String),
}

impl DockerFile {
    /// A file that keeps its owner and permissions.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            owner: None,
            mode: None,
        }
    }

    /// Lets somebody change the configuration, and writes it where something was changed; with
    /// `dry_run` only says so.
    ///
    /// # Errors
    /// When it cannot be read or written, is no docker configuration, or another program holds its
    /// directory's lock for long.
    pub fn edit<T>(
        &self,
        dry_run: bool,
        edit: impl FnOnce(&mut Document) -> Result<T, Broken>,
    ) -> Result<(Change, T), FileError> {
        // The file itself, where its name is a link.
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
        let dir = dir.unwrap_or(Path::new("."));
        if !dry_run {
            let mut builder = DirBuilder::new();
            let made = builder.recursive(true).mode(0o700).create(dir);
            made.map_err(fail("make", dir))?;
        }
        let _lock = match File::open(dir) {
            Ok(file) => {
                lock(&file).map_err(fail("lock", dir))?;
                Some(file)
            }
            Err(_) if dry_run => None,
            Err(error) => return Err(fail("open", dir)(error)),
        };
        let (text, meta) = open(&path).map_err(fail("read", &path))?;
        let look = Look::wanted(self, &path, meta.as_ref())?;
        let broken = |source| FileError::Broken {
            path: path.clone(),
            source,
        };
        let mut document =
            Document::parse(text.expose_secret(), Format::ConfigJson).map_err(broken)?;
        let told = edit(&mut document).map_err(broken)?;
        let change = match &meta {
            None => Change::Created,
            Some(meta) if !document.is_changed() && look.is(meta) => Change::Unchanged,
            Some(_) => Change::Updated,
        };
        if !dry_run && change != Change::Unchanged {
            replace(&path, &document.pretty(), &look).map_err(fail("write", &path))?;
        }
        Ok((change, told))
    }
}

/// A whole file, of 4 MiB at most; it may hold logins.
///
/// # Errors
/// When it is not there, larger, no text, or cannot be read.
pub fn read(path: &Path) -> Result<SecretString, FileError> {
    let cannot = fail("read", path);
    match open(path) {
        Ok((text, Some(_))) => Ok(text),
        Ok((_, None)) => Err(cannot(io::ErrorKind::NotFound.into())),
        Err(error) => Err(cannot(error)),
    }
}

fn fail(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
    let path = path.to_owned();
    move |source| FileError::Io { what, path, source }
}

/// Waits a while for whoever else changes files here.
fn lock(dir: &File) -> io::Result<()> {
    let end = Instant::now() + PATIENCE;
    loop {
        match dir.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if Instant::now() >= end => {
                return Err(io::Error::other("another program holds it"));
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
        }
    }
}

/// The text and what the system says of the file; nothing where there is none.
fn open(path: &Path) -> io::Result<(SecretString, Option<Metadata>)> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok((SecretString::default(), None));
        }
        Err(error) => return Err(error),
    };
    let meta = file.metadata()?;
    let mut text = String::new();
    if file.take(MAX_FILE + 1).read_to_string(&mut text)? as u64 > MAX_FILE {
        return Err(io::Error::other("it is larger than 4 MiB"));
    }
    Ok((text.into(), Some(meta)))
}

/// Through a new file, on disk before it takes the old one's name.
fn replace(path: &Path, text: &SecretString, look: &Look) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    // Of an earlier process with the same number, killed in between.
    let _ = fs::remove_file(&temporary);
    let write = || {
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary)?;
        look.give(&file)?;
        file.write_all(text.expose_secret().as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    let written = write();
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(50);
const MAX_FILE: u64 = 4 << 20;

#[cfg(test)]
mod tests;
