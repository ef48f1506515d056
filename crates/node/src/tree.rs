//! The file system of a node, below its root directory: that of this machine, or that of an image.
//!
//! A path never leads out of it, and a symbolic link is followed only where its directory is the
//! superuser's alone: who may place links elsewhere cannot turn a write of root's to another file.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use regcred_files::{MIB, Place, Root, open_directory, read_at};
use rustix::fs::{
    AtFlags, Dir, FileType, Gid, Mode, Uid, fchmod, fchown, mkdirat, readlinkat, symlinkat,
    unlinkat,
};
use rustix::io::Errno;

use crate::error::NodeError;
use crate::fuse::Fuse;
use crate::state::{FileContent, FileState};

/// A node's files.
#[derive(Debug)]
pub struct Tree {
    root: PathBuf,
    opened: Root,
    pub(crate) fuse: Fuse,
}

impl Tree {
    /// The files below a directory.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(root: &Path) -> Result<Self, NodeError> {
        let opened = Root::open(root).map_err(NodeError::io("open", root))?;
        Ok(Self {
            root: root.to_owned(),
            opened,
            fuse: Fuse::default(),
        })
    }

    /// A path of the node, as this process sees it.
    #[must_use]
    pub fn outside(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// The path without symbolic links; with `last` also its last part is followed. What does not
    /// exist is kept as it is written.
    ///
    /// # Errors
    /// When a link is in a directory that others may change, or links make a circle.
    pub fn real(&self, path: &Path, last: bool) -> Result<PathBuf, NodeError> {
        let real = self.opened.real(path, last);
        real.map_err(NodeError::io("follow", path))
    }

    /// What is at a real path. Other things than files and links are an error.
    ///
    /// # Errors
    /// When it cannot be read, or is larger than 512 MiB.
    pub fn read(&self, path: &Path) -> Result<FileState, NodeError> {
        self.state(path).map_err(NodeError::io("read", path))
    }

    fn state(&self, path: &Path) -> io::Result<FileState> {
        let place = match self.opened.place(path) {
            Err(error) if is_missing(&error) => return Ok(FileState::Absent),
            place => place?,
        };
        let Some(stat) = place.stat()? else {
            return Ok(FileState::Absent);
        };
        if FileType::from_raw_mode(stat.st_mode).is_symlink() {
            let target = readlinkat(&place.directory, &place.name, Vec::new())?;
            let target = OsString::from_vec(target.into_bytes());
            return Ok(FileState::Link(PathBuf::from(target)));
        }
        let bytes = read_at(&place.directory, &place.name, LARGEST)?;
        Ok(FileState::File(FileContent {
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
            ..FileContent::own(bytes, 0)
        }))
    }

    /// Whether a directory is at a real path.
    #[must_use]
    pub fn is_directory(&self, path: &Path) -> bool {
        self.opened.directory(path).is_ok()
    }

    /// The names in a directory, sorted; none if it does not exist.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn names(&self, path: &Path) -> Result<Vec<String>, NodeError> {
        self.listed(path).map_err(NodeError::io("list", path))
    }

    fn listed(&self, path: &Path) -> io::Result<Vec<String>> {
        let directory = match self.opened.directory(path) {
            Err(error) if is_missing(&error) => return Ok(Vec::new()),
            directory => directory?,
        };
        let mut names = Vec::new();
        for entry in Dir::new(open_directory(&directory)?)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name != "." && name != ".." {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// Opens a directory, to lock it.
    pub(crate) fn directory(&self, path: &Path) -> Result<File, NodeError> {
        let found = self.opened.directory(path);
        let opened = found.and_then(|directory| open_directory(&directory));
        opened.map_err(NodeError::io("open", path))
    }

    /// Whether only the superuser, or the user of this process, may change what is at a real path.
    ///
    /// # Errors
    /// Names the directory that others may change.
    pub fn check_owned(&self, path: &Path) -> Result<(), NodeError> {
        match self
            .opened
            .foreign(path)
            .map_err(NodeError::io("look at", path))?
        {
            None => Ok(()),
            Some(directory) => Err(NodeError::at(
                &directory,
                None,
                "users besides root may change this directory, and the kubelet runs plugins as root",
                format!("chown root:root {0} && chmod go-w {0}", directory.display()),
            )),
        }
    }

    /// Makes what is at a real path this, by one rename.
    ///
    /// # Errors
    /// When the system refuses.
    pub(crate) fn put(&self, path: &Path, state: &FileState) -> Result<(), NodeError> {
        self.replace(path, state)
            .map_err(NodeError::io("write", path))
    }

    fn replace(&self, path: &Path, state: &FileState) -> io::Result<()> {
        let place = match self.opened.place(path) {
            Err(error) if is_missing(&error) && *state == FileState::Absent => return Ok(()),
            place => place?,
        };
        let temporary = temporary(&place.name);
        self.unlink(&place, &temporary)?;
        match state {
            FileState::Absent => self.unlink(&place, &place.name)?,
            FileState::Link(target) => {
                self.fuse.step()?;
                symlinkat(target, &place.directory, &temporary)?;
            }
            FileState::File(file) => self.write(&place, &temporary, file)?,
        }
        if *state != FileState::Absent {
            self.fuse.step()?;
            place.rename(&temporary)?;
        }
        self.fuse.sync(place.open_directory()?)
    }

    fn write(&self, place: &Place, name: &OsStr, content: &FileContent) -> io::Result<()> {
        self.fuse.step()?;
        let mut file = place.create(name)?;
        self.fuse.step()?;
        file.write_all(&content.bytes)?;
        let is_own = FileContent::own(Vec::new(), 0);
        if (content.uid, content.gid) != (is_own.uid, is_own.gid) {
            let (uid, gid) = (Uid::from_raw(content.uid), Gid::from_raw(content.gid));
            fchown(&file, Some(uid), Some(gid))?;
        }
        fchmod(&file, Mode::from_raw_mode(content.mode))?;
        self.fuse.sync(&file)
    }

    /// Removes a name; it may be missing.
    fn unlink(&self, place: &Place, name: &OsStr) -> io::Result<()> {
        let place = Place {
            directory: place.directory.try_clone()?,
            name: name.to_owned(),
        };
        if place.stat()?.is_none() {
            return Ok(());
        }
        self.fuse.step()?;
        place.remove(name)
    }

    /// Removes what a write that was killed left beside a real path.
    pub(crate) fn sweep(&self, path: &Path) -> Result<(), NodeError> {
        let sweep = || match self.opened.place(path) {
            Err(error) if is_missing(&error) => Ok(()),
            place => {
                let place = place?;
                self.unlink(&place, &temporary(&place.name))
            }
        };
        sweep().map_err(NodeError::io("clean up beside", path))
    }

    /// Makes a directory whose parent exists; it may exist already.
    pub(crate) fn make_directory(&self, path: &Path, mode: u32) -> Result<(), NodeError> {
        let make = || {
            let place = self.opened.place(path)?;
            self.fuse.step()?;
            match mkdirat(&place.directory, &place.name, Mode::from_raw_mode(mode)) {
                Err(Errno::EXIST) => Ok(()),
                made => Ok(made?),
            }
        };
        make().map_err(NodeError::io("make", path))
    }

    /// Removes a directory if it is empty; it may be missing.
    pub(crate) fn remove_directory(&self, path: &Path) -> Result<(), NodeError> {
        let remove = || {
            let place = match self.opened.place(path) {
                Err(error) if is_missing(&error) => return Ok(()),
                place => place?,
            };
            self.fuse.step()?;
            match unlinkat(&place.directory, &place.name, AtFlags::REMOVEDIR) {
                Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR) => Ok(()),
                removed => Ok(removed?),
            }
        };
        remove().map_err(NodeError::io("remove", path))
    }
}

/// Where a file is written before it gets its name. Neither systemd nor a kubelet reads such a name.
fn temporary(name: &OsStr) -> OsString {
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(".regcred");
    temporary
}

fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Programs are the largest files.
const LARGEST: u64 = 512 * MIB;
