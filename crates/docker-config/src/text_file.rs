//! A file of text on this machine that an edit replaces as a whole, under a lock on its directory.
//!
//! It may be another user's, and root may edit it: so its directory is opened once, and links that the
//! other user may have placed are not followed.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use regcred_files::{MIB, Place, Root, lock, read_secret_from};
use rustix::fs::Dir;
use secrecy::{ExposeSecret as _, SecretString};

use crate::error::FileError;
use crate::ownership::Ownership;

/// A file, and the owner and permissions it should have.
#[derive(Clone, Copy, Debug)]
pub struct TextFile<'a> {
    /// The file's path.
    pub path: &'a Path,
    /// `user`, `user:group` or numbers; `None` keeps the file's owner.
    pub owner: Option<&'a str>,
    /// Permissions; `None` keeps the file's, and makes a new file 0600.
    pub mode: Option<u32>,
}

/// What an edit did to a file, or would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The file did not exist.
    Created,
    /// The file was replaced.
    Updated,
    /// The file already has the content, owner and permissions.
    Unchanged,
}

/// A text after an edit.
#[derive(Debug)]
pub struct TextEdit<T> {
    /// The whole text; it may hold secrets.
    pub text: SecretString,
    /// Whether it differs from the file's.
    pub is_changed: bool,
    /// What the edit returns.
    pub result: T,
}

impl TextFile<'_> {
    /// Edits the text, which is empty if the file does not exist, and writes the file if something
    /// changed; with `dry_run` only returns what would happen. `edit` also gets the path of the file
    /// itself, where its name is a link.
    ///
    /// # Errors
    /// When the file cannot be read or written, another user may have placed a link on the way to it or
    /// another file in its place, or another program holds its directory's lock for more than 10 s; and
    /// those of `edit`.
    pub fn edit<T, E: From<FileError>>(
        &self,
        dry_run: bool,
        edit: impl FnOnce(&Path, &SecretString) -> Result<TextEdit<T>, E>,
    ) -> Result<(Change, T), E> {
        let root = Root::open(Path::new("/")).map_err(FileError::io("open", Path::new("/")))?;
        let real = std::path::absolute(self.path).and_then(|path| root.real(&path, true));
        let path = real.map_err(FileError::io("follow", self.path))?;
        let dir = path.parent().unwrap_or(Path::new("/"));
        if !dry_run {
            let made = root.make_directories(dir, 0o700);
            made.map_err(FileError::io("make", dir))?;
        }
        let place = match root.place(&path) {
            Err(error) if dry_run && error.kind() == io::ErrorKind::NotFound => None,
            place => Some(place.map_err(FileError::io("open", dir))?),
        };
        let _lock = match &place {
            Some(place) => {
                let file = place.open_directory().map_err(FileError::io("open", dir))?;
                lock(&file, PATIENCE).map_err(FileError::io("lock", dir))?;
                if !dry_run {
                    sweep(place, &file).map_err(FileError::io("read", dir))?;
                }
                Some(file)
            }
            None => None,
        };
        let found = place.as_ref().map(read).transpose();
        let (text, meta) = found
            .map_err(FileError::io("read", &path))?
            .unwrap_or_default();
        let ownership = Ownership::wanted(self.mode, self.owner, meta.as_ref())?;
        // A user who can place a symbolic link must not become the owner of the file that it leads to.
        if let Some(owner) = self.owner
            && path != self.path
            && ownership.changes_owner(meta.as_ref())
        {
            return Err(FileError::Link(path, owner.to_owned()).into());
        }
        // Nor may who can put another file in its place have that file's text.
        if let Some(meta) = &meta
            && (ownership.changes_owner(Some(meta)) || meta.nlink() > 1)
            && may_others_move(&root, dir).map_err(FileError::io("look at", dir))?
        {
            return Err(FileError::Foreign(path, meta.uid()).into());
        }
        let edited = edit(&path, &text)?;
        let change = match &meta {
            None => Change::Created,
            Some(meta) if !edited.is_changed && ownership.is(meta) => Change::Unchanged,
            Some(_) => Change::Updated,
        };
        if let Some(place) = place.filter(|_| !dry_run && change != Change::Unchanged) {
            let written = replace(&place, &edited.text, &ownership);
            written.map_err(FileError::io("write", &path))?;
        }
        Ok((change, edited.result))
    }
}

/// Whether another user may have moved a file to this directory.
fn may_others_move(root: &Root, dir: &Path) -> io::Result<bool> {
    Ok(root.foreign(dir)?.is_some())
}

/// The file's text and metadata; an empty text and `None` if it does not exist.
fn read(place: &Place) -> io::Result<(SecretString, Option<Metadata>)> {
    let file = match place.open() {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Default::default()),
        Err(error) => return Err(error),
    };
    let meta = file.metadata()?;
    Ok((read_secret_from(file, MAX_FILE)?, Some(meta)))
}

/// Writes a new file, syncs it to disk and renames it to the old one's name.
fn replace(place: &Place, text: &SecretString, ownership: &Ownership) -> io::Result<()> {
    let temporary = place.temporary();
    let write = || {
        let mut file = place.create(&temporary)?;
        ownership.apply(&file)?;
        file.write_all(text.expose_secret().as_bytes())?;
        file.sync_all()?;
        place.rename(&temporary)
    };
    let written = write();
    if written.is_err() {
        let _ = place.remove(&temporary);
    }
    written
}

/// Removes what killed processes left, which has logins: who writes such a file holds the directory's lock.
fn sweep(place: &Place, directory: &File) -> io::Result<()> {
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        let rest = name.as_bytes().strip_prefix(place.name.as_bytes());
        let number = rest.and_then(|rest| rest.strip_prefix(b".")?.strip_suffix(b".tmp"));
        if number.is_some_and(|number| number.iter().all(u8::is_ascii_digit)) {
            let _ = place.remove(name);
        }
    }
    Ok(())
}

const PATIENCE: Duration = Duration::from_secs(10);
pub(crate) const MAX_FILE: u64 = 4 * MIB;
