//! A service of systemd as its files describe it: the unit file, its drop-ins and its environment files.
//! Nothing is run.

use std::path::{Path, PathBuf};

use crate::error::NodeError;
use crate::tree::Tree;
use crate::unit::{Setting, Unit};
use crate::view::View;
use crate::words::command_line;

/// A service, as far as its command line is concerned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceUnit {
    /// The unit file, then the drop-ins in their order: paths below the root directory that was given.
    pub files: Vec<PathBuf>,
    /// The words of the last `ExecStart=`, with variables replaced; empty if no line sets it.
    pub command: Vec<String>,
    /// `WorkingDirectory=`; `None` if no line sets it.
    pub working_dir: Option<PathBuf>,
    /// Environment files that must exist and cannot be read: systemd does not start the service.
    pub missing: Vec<PathBuf>,
}

impl ServiceUnit {
    /// The service of this name (`kubelet.service`) below a root directory; `None` if it has no unit file
    /// or is masked.
    ///
    /// # Errors
    /// When a file of it cannot be read, or its command cannot be split into words.
    pub fn find(root: &Path, name: &str) -> Result<Option<Self>, NodeError> {
        let tree = Tree::open(root)?;
        let view = View::of(&tree);
        let Some(unit) = Unit::read(&view, name)? else {
            return Ok(None);
        };
        let variables = unit.variables(&view);
        let words = unit.commands.last().map(Setting::words);
        let words = words.transpose()?.unwrap_or_default();
        let files = [&unit.file].into_iter().chain(&unit.drop_ins);
        let missing = variables.missing.iter();
        Ok(Some(Self {
            files: files.map(|file| tree.outside(file)).collect(),
            command: command_line(&words, &variables.values),
            missing: missing.map(|file| tree.outside(file)).collect(),
            working_dir: unit.working_dir,
        }))
    }
}

#[cfg(test)]
mod tests;
