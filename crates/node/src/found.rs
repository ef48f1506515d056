//! A kubelet that was found on a node.

use std::path::PathBuf;

use crate::state::FileState;

/// A kubelet, and what its flags need.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// What the node is, such as `kubeadm`.
    pub(crate) kind: &'static str,
    /// The unit to restart.
    pub(crate) unit: String,
    /// Whether the kubelet has both flags already.
    pub(crate) has_flags: bool,
    /// The file that gives it the flags, and its content with them.
    pub(crate) edit: Option<(PathBuf, FileState)>,
    /// Who writes flags and configuration again, and what to do instead of an edit.
    pub(crate) rewritten: Option<(&'static str, &'static str)>,
}

impl Found {
    pub(crate) fn new(kind: &'static str, unit: &str) -> Self {
        Self {
            kind,
            unit: unit.to_owned(),
            has_flags: true,
            edit: None,
            rewritten: None,
        }
    }

    /// It has no flags, and this file gives them.
    pub(crate) fn edited(mut self, path: PathBuf, state: FileState) -> Self {
        self.has_flags = false;
        self.edit = Some((path, state));
        self
    }
}
