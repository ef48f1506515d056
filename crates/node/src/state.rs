//! What is at a path of a node: nothing, a file or a symbolic link.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use secrecy::zeroize::Zeroizing;
use sha2::{Digest as _, Sha256};

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileState {
    /// Nothing.
    Absent,
    /// A regular file.
    File(FileContent),
    /// A symbolic link to this path.
    Link(PathBuf),
}

/// A regular file. Its bytes may be secrets, are wiped when dropped and never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct FileContent {
    /// All of them.
    pub bytes: Arc<Zeroizing<Vec<u8>>>,
    /// Permissions, as of `chmod`.
    pub mode: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

impl FileContent {
    /// A file of the superuser, or of the user that runs this process.
    #[must_use]
    pub fn own(bytes: Vec<u8>, mode: u32) -> Self {
        Self {
            bytes: Arc::new(Zeroizing::new(bytes)),
            mode,
            uid: rustix::process::geteuid().as_raw(),
            gid: rustix::process::getegid().as_raw(),
        }
    }

    /// Other bytes with the same owner and permissions.
    #[must_use]
    pub fn with(&self, bytes: Vec<u8>) -> Self {
        Self {
            bytes: Arc::new(Zeroizing::new(bytes)),
            ..*self
        }
    }

    /// `sha256:` and the hexadecimal digest of the bytes.
    #[must_use]
    pub fn digest(&self) -> String {
        let digest = Sha256::digest(self.bytes.as_slice());
        let digest = digest.iter().map(|byte| format!("{byte:02x}"));
        digest.fold("sha256:".to_owned(), |text, byte| text + &byte)
    }
}

impl fmt::Debug for FileContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileContent")
            .field("length", &self.bytes.len())
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}

impl FileState {
    /// The file's bytes; empty for anything else.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::File(file) => &file.bytes,
            _ => &[],
        }
    }

    /// The file's text, if it is a file of UTF-8 text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::File(file) => std::str::from_utf8(&file.bytes).ok(),
            _ => None,
        }
    }

    /// A word that is equal for equal states, without the content.
    #[must_use]
    pub fn mark(&self) -> String {
        match self {
            Self::Absent => "absent".to_owned(),
            Self::File(file) => format!(
                "{} {:04o} {}:{}",
                file.digest(),
                file.mode,
                file.uid,
                file.gid
            ),
            Self::Link(target) => format!("link {}", target.display()),
        }
    }
}
