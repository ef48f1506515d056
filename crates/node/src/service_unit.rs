//! A service as its files describe it: systemd's unit file, its drop-ins and its environment files, or
//! OpenRC's script. Nothing is run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::environment_file;
use crate::error::NodeError;
use crate::layout::{Completed, completed};
use crate::openrc::InitScript;
use crate::tree::Tree;
use crate::unit::{Setting, Unit};
use crate::view::View;
use crate::words::command_line;

/// A service, as far as its command line is concerned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceUnit {
    /// The command that shows how it is.
    pub status_command: String,
    /// The unit file, then the drop-ins in their order, or the script; then the configuration files of
    /// k3s, RKE2 or MicroShift: paths below the root directory that was given.
    pub files: Vec<PathBuf>,
    /// The words of the last `ExecStart=`, with variables replaced and the flags of configuration files;
    /// empty if no line sets it.
    pub command: Vec<String>,
    /// `WorkingDirectory=`; `None` if no line sets it.
    pub working_dir: Option<PathBuf>,
    /// Environment files that must exist and cannot be read: systemd does not start the service.
    pub missing: Vec<PathBuf>,
}

impl ServiceUnit {
    /// The service of this name (`kubelet.service`) below a root directory; `None` if it has no unit file
    /// and no script of OpenRC, or is masked.
    ///
    /// # Errors
    /// When a file of it cannot be read, or its command cannot be split into words.
    pub fn find(root: &Path, name: &str) -> Result<Option<Self>, NodeError> {
        let tree = Tree::open(root)?;
        let view = View::of(&tree);
        let found = match Unit::read(&view, name)? {
            Some(unit) => Self::of_systemd(&view, name, unit)?,
            None => match InitScript::of_unit(&view, name)? {
                Some(script) => Self::of_openrc(&view, script)?,
                None => return Ok(None),
            },
        };
        let outside = |files: Vec<PathBuf>| files.iter().map(|file| tree.outside(file)).collect();
        Ok(Some(Self {
            files: outside(found.files),
            missing: outside(found.missing),
            ..found
        }))
    }

    fn of_systemd(view: &View<'_>, name: &str, unit: Unit) -> Result<Self, NodeError> {
        let variables = unit.variables(view);
        let words = unit.commands.last().map(Setting::words);
        let words = words.transpose()?.unwrap_or_default();
        let command = command_line(&words, &variables.values);
        let Completed { words, files } = completed(view, command, &variables.values)?;
        let own = [unit.file].into_iter().chain(unit.drop_ins);
        Ok(Self {
            status_command: format!("systemctl status {name}"),
            files: own.chain(files).collect(),
            command: words,
            missing: variables.missing,
            working_dir: unit.working_dir,
        })
    }

    fn of_openrc(view: &View<'_>, script: InitScript) -> Result<Self, NodeError> {
        let environment = view.text(&script.environment_file())?.unwrap_or_default();
        let variables = environment_file::variables(&environment);
        let Completed { words, mut files } = completed(view, script.command, &variables)?;
        files.insert(0, script.file);
        Ok(Self {
            status_command: format!("rc-service {} status", script.name),
            files,
            command: words,
            ..Self::default()
        })
    }

    /// The command line of a process of k3s, RKE2 or MicroShift below a root directory, with the flags of
    /// its configuration files; any other command line as it is.
    ///
    /// # Errors
    /// When one of the files cannot be read.
    pub fn completed(
        root: &Path,
        command: Vec<String>,
        variables: &BTreeMap<String, String>,
    ) -> Result<Vec<String>, NodeError> {
        let tree = Tree::open(root)?;
        Ok(completed(&View::of(&tree), command, variables)?.words)
    }
}

#[cfg(test)]
mod tests;
