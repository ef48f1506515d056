//! What an installation, or its removal, changes: found out without changing anything.

use std::path::PathBuf;

use crate::change::Change;
use crate::flags::ProviderPaths;
use crate::record::Record;
use crate::state::FileState;
use crate::tree::Tree;

/// What an installation, or its removal, changes.
#[derive(Debug)]
pub struct Plan {
    /// The kind of node.
    pub node: String,
    /// The unit that has the kubelet.
    pub unit: String,
    /// Where the kubelet reads, when all is done.
    pub paths: Option<ProviderPaths>,
    /// Where the kubelet reads without an installation; `None` if it runs no plugin.
    pub paths_before: Option<ProviderPaths>,
    /// The changes, in their order.
    pub changes: Vec<Change>,
    /// Directories that are made, the outermost first.
    pub directories: Vec<PathBuf>,
    /// Whether the kubelet has to be restarted, if it runs.
    pub restart: bool,
    /// What a person should know.
    pub notes: Vec<String>,
    /// The originals to keep.
    pub(crate) originals: Vec<FileState>,
    /// The record while the changes are made.
    pub(crate) during: Record,
    /// The record afterwards; `None` when nothing of an installation remains.
    pub(crate) after: Option<Record>,
    /// The record now.
    pub(crate) record: Option<Record>,
}

impl Plan {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && !self.restart && self.record.is_some() == self.after.is_some()
    }

    /// Whether a removal that was killed left files of its own.
    #[must_use]
    pub fn has_leftovers(&self, tree: &Tree) -> bool {
        self.record.is_none() && Record::has_leftovers(tree)
    }
}
