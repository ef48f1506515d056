//! A file of text on this machine that an edit replaces as a whole, under a lock on its directory.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::Duration;

use regcred_files::{MIB, lock, read_secret_from};
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
    /// When the file cannot be read or written, or another program holds its directory's lock for more
    /// than 10 s; and those of `edit`.
    pub fn edit<T, E: From<FileError>>(
        &self,
        dry_run: bool,
        edit: impl FnOnce(&Path, &SecretString) -> Result<TextEdit<T>, E>,
    ) -> Result<(Change, T), E> {
        let path = fs::canonicalize(self.path).unwrap_or_else(|_| self.path.to_owned());
        let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
        let dir = dir.unwrap_or(Path::new("."));
        if !dry_run {
            let mut builder = DirBuilder::new();
            let made = builder.recursive(true).mode(0o700).create(dir);
            made.map_err(FileError::io("make", dir))?;
        }
        let _lock = match File::open(dir) {
            Ok(file) => {
                lock(&file, PATIENCE).map_err(FileError::io("lock", dir))?;
                Some(file)
            }
            Err(_) if dry_run => None,
            Err(error) => return Err(FileError::io("open", dir)(error).into()),
        };
        let (text, meta) = open(&path).map_err(FileError::io("read", &path))?;
        let ownership = Ownership::wanted(self.mode, self.owner, meta.as_ref())?;
        // A user who can place a symbolic link must not become the owner of the file that it leads to.
        if let Some(owner) = self.owner
            && path != self.path
            && ownership.changes_owner(meta.as_ref())
        {
            return Err(FileError::Link(path, owner.to_owned()).into());
        }
        let edited = edit(&path, &text)?;
        let change = match &meta {
            None => Change::Created,
            Some(meta) if !edited.is_changed && ownership.is(meta) => Change::Unchanged,
            Some(_) => Change::Updated,
        };
        if !dry_run && change != Change::Unchanged {
            replace(&path, &edited.text, &ownership).map_err(FileError::io("write", &path))?;
        }
        Ok((change, edited.result))
    }
}

/// The file's text and metadata; an empty text and `None` if it does not exist.
fn open(path: &Path) -> io::Result<(SecretString, Option<Metadata>)> {
    let file = match regcred_files::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok((SecretString::default(), None));
        }
        Err(error) => return Err(error),
    };
    let meta = file.metadata()?;
    Ok((read_secret_from(file, MAX_FILE)?, Some(meta)))
}

/// Writes a new file, syncs it to disk and renames it to the old one's name.
fn replace(path: &Path, text: &SecretString, ownership: &Ownership) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    // Left by an earlier process with the same id that was killed before the rename.
    let _ = fs::remove_file(&temporary);
    let write = || {
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary)?;
        ownership.apply(&file)?;
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
pub(crate) const MAX_FILE: u64 = 4 * MIB;
