//! One file that changes, and the order of several.

use std::path::PathBuf;

use crate::role::Role;
use crate::state::FileState;

/// A file that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its real path on the node.
    pub path: PathBuf,
    /// What it is for.
    pub role: Role,
    /// What is there.
    pub now: FileState,
    /// What will be there.
    pub then: FileState,
    /// Whether it becomes what it was before the installation.
    pub undoes: bool,
}

impl Change {
    /// The place in an order in which a kubelet that starts in between has all that it is told of: a
    /// plugin is there before its entry, and the entry before the flags.
    pub(crate) fn rank(&self) -> u8 {
        match (self.role, self.undoes) {
            (Role::Plugin, false) => 0,
            (Role::Flags, true) => 1,
            (Role::Config, _) => 2,
            (Role::Flags, false) => 3,
            (Role::Plugin, true) => AFTER_RESTART,
        }
    }

    /// Whether a kubelet needs a restart for it: a plugin's file is looked up at each call.
    pub(crate) fn needs_restart(&self) -> bool {
        self.role != Role::Plugin
    }
}

/// The rank of what a running kubelet still uses.
pub(crate) const AFTER_RESTART: u8 = 4;
