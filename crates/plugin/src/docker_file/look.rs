//! Owner and permissions of a file.

use std::fs::{self, File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
use std::path::Path;

use super::{DockerFile, FileError};

/// How a file should look from outside.
pub(super) struct Look {
    mode: u32,
    uid: Option<u32>,
    gid: Option<u32>,
}

impl Look {
    /// What is wanted of the file, which lies at this path after all links; where nothing is wanted,
    /// as it is now.
    pub(super) fn wanted(
        file: &DockerFile,
        path: &Path,
        now: Option<&Metadata>,
    ) -> Result<Self, FileError> {
        let mode = file.mode.or(now.map(|meta| meta.mode() & 0o777));
        let (uid, gid) = match &file.owner {
            Some(text) => owner(text)?,
            None => (None, None),
        };
        // Whoever may put a link there must not be given the file behind it.
        if let (Some(uid), Some(owner)) = (uid, &file.owner)
            && path != file.path
            && now.is_some_and(|meta| meta.uid() != uid)
        {
            return Err(FileError::Link {
                path: path.to_owned(),
                owner: owner.clone(),
            });
        }
        Ok(Self {
            mode: mode.unwrap_or(0o600),
            uid: uid.or(now.map(Metadata::uid)),
            gid: gid.or(now.map(Metadata::gid)),
        })
    }

    pub(super) fn is(&self, meta: &Metadata) -> bool {
        meta.mode() & 0o777 == self.mode
            && self.uid.is_none_or(|uid| uid == meta.uid())
            && self.gid.is_none_or(|gid| gid == meta.gid())
    }

    /// Makes a new, empty file look so.
    pub(super) fn give(&self, file: &File) -> io::Result<()> {
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
pub(super) fn owner(text: &str) -> Result<(Option<u32>, Option<u32>), FileError> {
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
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text
        .lines()
        .find(|line| line.split(':').next() == Some(name));
    let number = line.and_then(|line| line.split(':').nth(2)?.parse().ok());
    number.ok_or_else(|| FileError::Owner(name.to_owned()))
}
