//! What an installation changed, and what was there before: the way back.
//!
//! `/var/lib/regcred/install.json` lists the files; their originals are in `/var/lib/regcred/install`,
//! named by their digests. Both are written before the first change and removed after the last.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use regcred_files::lock;
use serde::{Deserialize, Serialize};

use crate::error::NodeError;
use crate::role::Role;
use crate::state::{FileContent, FileState};
use crate::tree::Tree;

/// An installation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Record {
    /// Of this format.
    pub(crate) version: u32,
    /// The program that wrote it.
    pub(crate) written_by: String,
    /// The kind of node, for people.
    pub(crate) node: String,
    /// The unit that has the kubelet.
    pub(crate) unit: String,
    /// Whether the kubelet has not been restarted since the last change.
    pub(crate) pending: bool,
    /// Names of the entries in the configuration.
    pub(crate) entries: Vec<String>,
    /// Directories that were made, the outermost first.
    pub(crate) directories: Vec<PathBuf>,
    /// Every file that was changed.
    pub(crate) files: Vec<RecordedFile>,
}

/// A file that was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct RecordedFile {
    pub(crate) path: PathBuf,
    pub(crate) role: Role,
    pub(crate) before: Before,
    /// The marks of what was put there; the last is what is there when nothing is pending.
    pub(crate) ours: Vec<String>,
}

/// What was at a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", tag = "is")]
pub(crate) enum Before {
    /// Nothing.
    Absent,
    /// A file; its bytes are in the directory of originals.
    File {
        digest: String,
        mode: u32,
        uid: u32,
        gid: u32,
    },
    /// A symbolic link.
    Link { target: PathBuf },
}

impl Record {
    /// Reads the record; `None` if nothing is installed.
    pub(crate) fn read(tree: &Tree) -> Result<Option<Self>, NodeError> {
        let path = &place(tree, RECORD)?;
        let state = tree.read(path)?;
        if state == FileState::Absent {
            return Ok(None);
        }
        let record: Self = serde_json::from_slice(state.bytes()).map_err(|error| {
            NodeError::at(
                path,
                error.line(),
                format!("this record cannot be read: {error}"),
                UNREADABLE,
            )
        })?;
        if record.version != VERSION {
            let what = format!("this record has version {}", record.version);
            return Err(NodeError::at(
                path,
                None,
                what,
                "use the regcred that wrote it",
            ));
        }
        Ok(Some(record))
    }

    /// Writes the record.
    pub(crate) fn write(&self, tree: &Tree) -> Result<(), NodeError> {
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        tree.put(
            &place(tree, RECORD)?,
            &FileState::File(FileContent::own(bytes, 0o600)),
        )
    }

    /// Keeps the original of a file.
    pub(crate) fn keep(tree: &Tree, state: &FileState) -> Result<(), NodeError> {
        let FileState::File(content) = state else {
            return Ok(());
        };
        let path = original(tree, &content.digest())?;
        let kept = tree.read(&path)?;
        if kept.bytes() == content.bytes.as_slice() && kept != FileState::Absent {
            return Ok(());
        }
        let bytes = content.bytes.to_vec();
        tree.put(&path, &FileState::File(FileContent::own(bytes, 0o600)))
    }

    /// Makes the directories of the record and the originals.
    pub(crate) fn make_directories(tree: &Tree) -> Result<(), NodeError> {
        tree.check_owned(&place(tree, ORIGINALS)?)?;
        for (directory, mode) in [
            ("/var", 0o755),
            ("/var/lib", 0o755),
            (OWN, 0o755),
            (ORIGINALS, 0o700),
        ] {
            let directory = place(tree, directory)?;
            if !tree.is_directory(&directory) {
                tree.make_directory(&directory, mode)?;
            }
        }
        Ok(())
    }

    /// Locks the directory of the record; it is open until then.
    pub(crate) fn lock(tree: &Tree) -> Result<File, NodeError> {
        let own = place(tree, OWN)?;
        let directory = tree.directory(&own)?;
        lock(&directory, PATIENCE).map_err(NodeError::io("lock", &own))?;
        Ok(directory)
    }

    /// Removes the record and then the originals. A record that is not there any more needs none.
    pub(crate) fn remove(tree: &Tree) -> Result<(), NodeError> {
        tree.put(&place(tree, RECORD)?, &FileState::Absent)?;
        Self::remove_originals(tree, &[])?;
        tree.remove_directory(&place(tree, ORIGINALS)?)?;
        tree.remove_directory(&place(tree, OWN)?)
    }

    /// Whether something of an installation is there without its record.
    pub(crate) fn has_leftovers(tree: &Tree) -> bool {
        let Ok(own) = place(tree, OWN) else {
            return false;
        };
        let names = tree.names(&own).unwrap_or_default();
        let is_left = |name: &String| name == "install" || name.ends_with(".regcred");
        tree.is_directory(&own) && (names.is_empty() || names.iter().any(is_left))
    }

    /// Removes the originals of no file of these.
    pub(crate) fn remove_originals(tree: &Tree, files: &[RecordedFile]) -> Result<(), NodeError> {
        let needed = |name: &str| {
            files.iter().any(|file| match &file.before {
                Before::File { digest, .. } => file_name(digest) == name,
                _ => false,
            })
        };
        let directory = place(tree, ORIGINALS)?;
        for name in tree.names(&directory)? {
            if !needed(&name) {
                tree.put(&directory.join(name), &FileState::Absent)?;
            }
        }
        Ok(())
    }
}

impl RecordedFile {
    /// The file before the installation.
    pub(crate) fn original(&self, tree: &Tree) -> Result<FileState, NodeError> {
        let (digest, mode, uid, gid) = match &self.before {
            Before::Absent => return Ok(FileState::Absent),
            Before::Link { target } => return Ok(FileState::Link(target.clone())),
            Before::File {
                digest,
                mode,
                uid,
                gid,
            } => (digest, mode, uid, gid),
        };
        let path = original(tree, digest)?;
        match tree.read(&path)? {
            FileState::File(kept) if kept.digest() == *digest => Ok(FileState::File(FileContent {
                mode: *mode,
                uid: *uid,
                gid: *gid,
                ..kept
            })),
            _ => Err(NodeError::at(
                &path,
                None,
                format!("the original of {} is lost", self.path.display()),
                format!(
                    "restore {} from a backup, remove {RECORD}, and run this again",
                    self.path.display()
                ),
            )),
        }
    }
}

impl Before {
    pub(crate) fn of(state: &FileState) -> Self {
        match state {
            FileState::Absent => Self::Absent,
            FileState::Link(target) => Self::Link {
                target: target.clone(),
            },
            FileState::File(content) => Self::File {
                digest: content.digest(),
                mode: content.mode,
                uid: content.uid,
                gid: content.gid,
            },
        }
    }
}

fn original(tree: &Tree, digest: &str) -> Result<PathBuf, NodeError> {
    Ok(place(tree, ORIGINALS)?.join(file_name(digest)))
}

fn file_name(digest: &str) -> String {
    digest.trim_start_matches("sha256:").replace('/', "")
}

/// A path of ours without symbolic links.
fn place(tree: &Tree, path: &str) -> Result<PathBuf, NodeError> {
    tree.real(Path::new(path), true)
}

/// Of this format.
pub(crate) const VERSION: u32 = 1;
/// The directory of the record.
const OWN: &str = "/var/lib/regcred";
/// The record.
pub(crate) const RECORD: &str = "/var/lib/regcred/install.json";
const ORIGINALS: &str = "/var/lib/regcred/install";
/// For another installation that is under way.
const PATIENCE: Duration = Duration::from_secs(10);
const UNREADABLE: &str =
    "restore it from a backup; without it, take the entries and the flags out by hand";
