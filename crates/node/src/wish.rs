//! What is to be on a node.

use std::path::PathBuf;

use crate::entries::Entries;
use crate::state::FileContent;

/// What is to be on a node.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The entries of the configuration.
    pub entries: Entries,
    /// The program of each entry.
    pub plugins: Vec<Plugin>,
    /// Where plugins go on a node whose kubelet has no directory for them.
    pub bin_dir: Option<PathBuf>,
    /// Whether plugins that are there under the same names are replaced, and their entries kept.
    pub replace: bool,
    /// Name and version of the program that asks.
    pub written_by: String,
}

/// A plugin.
#[derive(Clone, Debug)]
pub struct Plugin {
    /// The name of its entry and its file.
    pub name: String,
    /// Other names under which a vendor's plugin for the same registries may be there.
    pub aliases: Vec<String>,
    /// Its program.
    pub program: FileContent,
}

impl Plugin {
    /// Whether an entry of this name is for the same registries.
    pub(crate) fn has_name(&self, name: &str) -> bool {
        self.name == name || self.aliases.iter().any(|alias| alias == name)
    }
}
