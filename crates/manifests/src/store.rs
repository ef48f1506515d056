//! The lists of this machine, where docker keeps them (cli `store.go`): a directory for each list, and
//! in it a file for each image.
//!
//! A change writes a whole new directory next to the old one and exchanges the two in one step, under a
//! lock on the directory of all lists: a killed process or a full disk leaves the list as it was. A file
//! system that cannot exchange names, such as NFS, needs two steps, and a process that is killed between
//! them loses the list. docker itself takes no lock.
//!
//! The directory is reached without a link that another user may have placed, opened once, and everything in
//! it is reached from there.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf, absolute};
use std::time::Duration;

use regcred_core::ImageRef;
use regcred_files::{MIB, Root, lock, open_directory, read_at};
use rustix::fs::{AtFlags, Dir, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use rustix::path::Arg;

use crate::entry::{ListEntry, file_name};
use crate::store_error::StoreError;

/// The directory of all lists.
#[derive(Clone, Debug)]
pub struct ManifestStore {
    root: PathBuf,
}

impl ManifestStore {
    /// The lists in `root`, which need not exist.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The images of a list, in the order of their files' names, as docker pushes them; `None` if the
    /// list does not exist.
    ///
    /// # Errors
    /// When the store cannot be read, or a file is not the record of an image.
    pub fn read(&self, list: &ImageRef) -> Result<Option<Vec<ListEntry>>, StoreError> {
        match self.open(false)? {
            Some(root) => self.entries(&root, list),
            None => Ok(None),
        }
    }

    /// Replaces the images of a list, which `edit` receives as [`ManifestStore::read`] returns them. No
    /// other process changes a list meanwhile.
    ///
    /// # Errors
    /// What `edit` returns, and when the store cannot be read or written. Nothing has changed then.
    pub fn edit<E: From<StoreError>>(
        &self,
        list: &ImageRef,
        edit: impl FnOnce(Option<Vec<ListEntry>>) -> Result<Vec<ListEntry>, E>,
    ) -> Result<(), E> {
        let Some(root) = self.open(true)? else {
            let gone = io::ErrorKind::NotFound.into();
            return Err(StoreError::io("open", &self.root)(gone).into());
        };
        let before = self.entries(&root, list)?;
        let exists = before.is_some();
        let entries = edit(before)?;
        Ok(self.replace(&root, list, &entries, exists)?)
    }

    /// Removes a list, whatever is in it; false if it does not exist.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(&self, list: &ImageRef) -> Result<bool, StoreError> {
        let Some(root) = self.open(false)? else {
            return Ok(false);
        };
        let name = file_name(list);
        self.sweep(&root, OLD)?;
        match rustix::fs::renameat(&root, &name, &root, OLD) {
            Ok(()) => self.sweep(&root, OLD).map(|()| true),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(StoreError::io("remove", &self.root.join(name))(
                errno.into(),
            )),
        }
    }

    /// The directory, locked until it is dropped. One that does not exist is made, or is `None`.
    fn open(&self, make: bool) -> Result<Option<File>, StoreError> {
        let reach = || {
            let root = Root::open(Path::new("/"))?;
            let path = root.real(&absolute(&self.root)?, true)?;
            open_directory(&if make {
                root.make_directories(&path, 0o755)?
            } else {
                root.directory(&path)?
            })
        };
        let root = match reach() {
            Ok(directory) => directory,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !make => return Ok(None),
            Err(error) => return Err(StoreError::io("open", &self.root)(error)),
        };
        lock(&root, PATIENCE).map_err(StoreError::io("lock", &self.root))?;
        Ok(Some(root))
    }

    fn entries(&self, root: &File, list: &ImageRef) -> Result<Option<Vec<ListEntry>>, StoreError> {
        let path = self.root.join(file_name(list));
        let directory = match open_below(root, file_name(list)) {
            Ok(directory) => directory,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(StoreError::io("open", &path)(errno.into())),
        };
        let names = names(&directory).map_err(StoreError::io("read", &path))?;
        let broken = |file: &str, reason: String| StoreError::Broken {
            list: list.to_string(),
            path: path.join(file),
            reason,
        };
        let entry = |name: &String| {
            let text = read_at(&directory, name, LARGEST);
            let text = text.map_err(|error| broken(name, error.to_string()))?;
            ListEntry::from_record(&text).map_err(|reason| broken(name, reason))
        };
        names.iter().map(entry).collect::<Result<_, _>>().map(Some)
    }

    fn replace(
        &self,
        root: &File,
        list: &ImageRef,
        entries: &[ListEntry],
        exists: bool,
    ) -> Result<(), StoreError> {
        let mut files = BTreeMap::new();
        for entry in entries {
            if let Some(other) = files.insert(entry.file_name(), entry)
                && other.image != entry.image
            {
                return Err(StoreError::SameName(
                    other.image.to_string(),
                    entry.image.to_string(),
                ));
            }
        }
        // A killed process left these: this one holds the lock.
        self.sweep(root, NEW)?;
        self.sweep(root, OLD)?;
        let written = self.write(root, &files).and_then(|()| {
            let name = file_name(list);
            swap(root, &name, exists).map_err(StoreError::io("write", &self.root.join(name)))
        });
        // A directory that stays is swept by the next change.
        let swept = self.sweep(root, NEW).and(self.sweep(root, OLD));
        written?;
        let synced = root.sync_all();
        synced.map_err(StoreError::io("sync", &self.root))?;
        swept
    }

    fn write(&self, root: &File, files: &BTreeMap<String, &ListEntry>) -> Result<(), StoreError> {
        let path = self.root.join(NEW);
        let failed = |errno: Errno| StoreError::io("write", &path)(errno.into());
        rustix::fs::mkdirat(root, NEW, Mode::from_raw_mode(0o755)).map_err(failed)?;
        let directory = open_below(root, NEW).map_err(failed)?;
        for (name, entry) in files {
            let written = write_file(&directory, name, &entry.to_record());
            written.map_err(StoreError::io("write", &path.join(name)))?;
        }
        let synced = directory.sync_all();
        synced.map_err(StoreError::io("sync", &path))
    }

    /// Removes a temporary directory, if it is there.
    fn sweep(&self, root: &File, name: &str) -> Result<(), StoreError> {
        match remove_whole(root, name.as_ref(), MOST_NESTED) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::io("remove", &self.root.join(name))(error))
            }
            _ => Ok(()),
        }
    }
}

/// Puts the new directory into the list's place, and the old one into that of the new.
fn swap(root: &File, name: &str, exists: bool) -> io::Result<()> {
    if !exists {
        return Ok(rustix::fs::renameat(root, NEW, root, name)?);
    }
    match rustix::fs::renameat_with(root, NEW, root, name, RenameFlags::EXCHANGE) {
        // File systems without this, such as NFS: in two steps.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            rustix::fs::renameat(root, name, root, OLD)?;
            Ok(rustix::fs::renameat(root, NEW, root, name)?)
        }
        done => Ok(done?),
    }
}

fn write_file(directory: &File, name: &str, text: &str) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(0o644);
    let mut file = File::from(rustix::fs::openat(directory, name, flags, mode)?);
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Opens a directory of the store; a symbolic link is refused.
fn open_below(root: &File, name: impl Arg) -> Result<File, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(root, name, flags, Mode::empty()).map(File::from)
}

/// The names in a directory, sorted.
fn names(directory: &File) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = String::from_utf8_lossy(entry.file_name().to_bytes()).into_owned();
        if name != "." && name != ".." {
            names.push(name);
        }
        if names.len() > MOST_ENTRIES {
            let why = format!("it has more than {MOST_ENTRIES} entries");
            return Err(io::Error::other(why));
        }
    }
    names.sort();
    Ok(names)
}

/// Removes a file, or a directory with what is in it; of a link only the link. A list is one directory of files,
/// and each directory below another costs open files: those that are nested deeper than `depth` are refused.
fn remove_whole(parent: &File, name: &OsStr, depth: usize) -> io::Result<()> {
    let directory = match open_below(parent, name) {
        Err(Errno::NOTDIR | Errno::LOOP) => {
            return Ok(rustix::fs::unlinkat(parent, name, AtFlags::empty())?);
        }
        opened => opened?,
    };
    let Some(deeper) = depth.checked_sub(1) else {
        return Err(io::Error::other(format!(
            "it has directories nested deeper than {MOST_NESTED}: remove it by hand"
        )));
    };
    for entry in Dir::read_from(&directory)? {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name != "." && name != ".." {
            remove_whole(&directory, name, deeper)?;
        }
    }
    Ok(rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR)?)
}

/// A directory that is being written, and one that was replaced. No list has such a name.
const NEW: &str = ".regcred-new";
const OLD: &str = ".regcred-old";
/// A manifest of 4 MiB, once as it is and once in base64.
const LARGEST: u64 = 16 * MIB;
/// As many as an index may have that is pulled.
const MOST_ENTRIES: usize = 1000;
/// Directories below each other, the list's own included, in what is removed.
const MOST_NESTED: usize = 8;
const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests;
