//! The owner and permissions of a file.

use std::fs::{File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
use std::path::Path;

use regcred_files::{MIB, read_text};

use crate::error::FileError;

/// The owner and the permissions that a file should have.
pub(crate) struct Ownership {
    mode: u32,
    uid: Option<u32>,
    gid: Option<u32>,
}

impl Ownership {
    /// As wanted; what is `None` stays as the file has it now.
    pub(crate) fn wanted(
        mode: Option<u32>,
        owner: Option<&str>,
        now: Option<&Metadata>,
    ) -> Result<Self, FileError> {
        let mode = mode.or(now.map(|meta| meta.mode() & 0o777));
        let (uid, gid) = owner.map(ids).transpose()?.unwrap_or_default();
        Ok(Self {
            mode: mode.unwrap_or(0o600),
            uid: uid.or(now.map(Metadata::uid)),
            gid: gid.or(now.map(Metadata::gid)),
        })
    }

    /// Whether the file has another owner now.
    pub(crate) fn changes_owner(&self, now: Option<&Metadata>) -> bool {
        now.is_some_and(|meta| self.uid.is_some_and(|uid| uid != meta.uid()))
    }

    /// Whether the file has them already.
    pub(crate) fn is(&self, meta: &Metadata) -> bool {
        meta.mode() & 0o777 == self.mode
            && self.uid.is_none_or(|uid| uid == meta.uid())
            && self.gid.is_none_or(|gid| gid == meta.gid())
    }

    /// Sets them on a new, empty file.
    pub(crate) fn apply(&self, file: &File) -> io::Result<()> {
        let meta = file.metadata()?;
        let uid = self.uid.filter(|uid| *uid != meta.uid());
        let gid = self.gid.filter(|gid| *gid != meta.gid());
        if uid.is_some() || gid.is_some() {
            fchown(file, uid, gid)?;
        }
        file.set_permissions(Permissions::from_mode(self.mode))
    }
}

/// `user`, `user:group` or numbers.
pub(crate) fn ids(text: &str) -> Result<(Option<u32>, Option<u32>), FileError> {
    let (user, group) = match text.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (text, None),
    };
    let uid = (!user.is_empty())
        .then(|| id(user, "/etc/passwd"))
        .transpose()?;
    let gid = group.map(|group| id(group, "/etc/group")).transpose()?;
    Ok((uid, gid))
}

fn id(name: &str, file: &str) -> Result<u32, FileError> {
    if let Ok(number) = name.parse() {
        return Ok(number);
    }
    let text = read_text(Path::new(file), 16 * MIB).unwrap_or_default();
    let line = text
        .lines()
        .find(|line| line.split(':').next() == Some(name));
    let number = line.and_then(|line| line.split(':').nth(2)?.parse().ok());
    number.ok_or_else(|| FileError::Owner(name.to_owned()))
}
