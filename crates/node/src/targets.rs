//! What each file is to be.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::base::{Base, changed_since, missing_directories};
use crate::change::Change;
use crate::error::NodeError;
use crate::flags::ProviderPaths;
use crate::merge::{decode, merged};
use crate::plan::Plan;
use crate::record::{Before, Record, RecordedFile, VERSION};
use crate::role::Role;
use crate::state::{FileContent, FileState};
use crate::view::View;
use crate::wish::{Plugin, Wish};

/// What each file is to be.
pub(crate) struct Targets<'a> {
    base: &'a Base<'a>,
    files: BTreeMap<PathBuf, (Role, FileState)>,
    /// Names of entries that are written.
    pub(crate) own_entries: Vec<String>,
}

impl<'a> Targets<'a> {
    pub(crate) fn new(base: &'a Base<'a>) -> Self {
        Self {
            base,
            files: BTreeMap::new(),
            own_entries: Vec::new(),
        }
    }

    /// A file at a real path.
    pub(crate) fn add(
        &mut self,
        path: PathBuf,
        role: Role,
        state: FileState,
    ) -> Result<(), NodeError> {
        if self.base.is_mixed(&path) {
            return Err(changed_since(
                &path,
                "take out by hand what regcred put there, run `regcred uninstall`, and run this again",
            ));
        }
        self.base
            .view
            .tree
            .check_owned(path.parent().unwrap_or(Path::new("/")))?;
        self.files.insert(path, (role, state));
        Ok(())
    }

    /// The configuration. Returns the file name of each plugin in the directory of plugins.
    pub(crate) fn config(
        &mut self,
        paths: &ProviderPaths,
        wish: &Wish,
    ) -> Result<Vec<String>, NodeError> {
        let view = &self.base.view;
        let real = view.real(&paths.config)?;
        let mut known = Vec::new();
        let file = if view.is_directory(&real)? {
            for name in view.names(&real)? {
                if is_configuration(&name) && name != IN_DIRECTORY {
                    let file = view.real(&real.join(name))?;
                    known.extend(entries_of(view, &file)?);
                }
            }
            real.join(IN_DIRECTORY)
        } else {
            real
        };
        let text = view.text(&file)?;
        let own = if text.is_some() {
            entries_of(view, &file)?
        } else {
            Vec::new()
        };
        let is_mixed = self.base.is_mixed(&file);
        let (mut there, mut names) = (Vec::new(), Vec::new());
        for plugin in &wish.plugins {
            if is_mixed && own.contains(&plugin.name) {
                there.push(plugin.name.clone());
                names.push(plugin.name.clone());
                self.own_entries.push(plugin.name.clone());
                continue;
            }
            match known.iter().chain(&own).find(|name| plugin.has_name(name)) {
                None => names.push(plugin.name.clone()),
                Some(name) => {
                    self.keep_entry(&file, name, plugin, paths, wish.replace)?;
                    there.push(plugin.name.clone());
                    names.push(name.clone());
                }
            }
        }
        let new = wish.entries.clone().without(&there);
        if new.is_empty() {
            return Ok(names);
        }
        self.own_entries.extend(new.names().map(str::to_owned));
        let state = match (text, view.state(&file)?) {
            (Some(text), FileState::File(content)) => content.with(merged(&file, &text, &new)?),
            _ => {
                let mode = if new.has_variables() { 0o600 } else { 0o644 };
                FileContent::own(new.document().as_bytes().to_vec(), mode)
            }
        };
        self.add(file, Role::Config, FileState::File(state))?;
        Ok(names)
    }

    /// An entry that serves what a plugin serves is there. It stays, if its program is the plugin, or is
    /// to be replaced.
    fn keep_entry(
        &self,
        file: &Path,
        name: &str,
        plugin: &Plugin,
        paths: &ProviderPaths,
        replace: bool,
    ) -> Result<(), NodeError> {
        let program = self.base.view.state(&paths.bin_dir.join(name))?;
        if replace || program.bytes() == plugin.program.bytes.as_slice() {
            return Ok(());
        }
        let text = self.base.view.text(file)?.unwrap_or_default();
        let line = text
            .lines()
            .position(|line| line.contains("name") && line.contains(name));
        Err(NodeError::at(
            file,
            line.map(|line| line + 1),
            format!(
                "the entry {name} is there already, and serves the registries of {}",
                plugin.name
            ),
            format!(
                "let regcred replace its program and keep the entry by --replace, or leave {} out",
                plugin.name
            ),
        ))
    }

    /// The plugins under these names.
    pub(crate) fn plugins(
        &mut self,
        paths: &ProviderPaths,
        wish: &Wish,
        names: &[String],
    ) -> Result<(), NodeError> {
        let view = &self.base.view;
        let directory = view.real(&paths.bin_dir)?;
        for (plugin, name) in wish.plugins.iter().zip(names) {
            let path = directory.join(name);
            let now = view.state(&path)?;
            if now.bytes() == plugin.program.bytes.as_slice() {
                continue;
            }
            if now != FileState::Absent && !wish.replace {
                return Err(NodeError::at(
                    &path,
                    None,
                    "another program of this name is there",
                    "replace it by --replace, which keeps the old one for `regcred uninstall`, or remove it",
                ));
            }
            self.add(path, Role::Plugin, FileState::File(plugin.program.clone()))?;
        }
        Ok(())
    }

    /// The node with these files.
    pub(crate) fn view(&self) -> View<'a> {
        let mut view = self.base.view.clone();
        for (path, (_, state)) in &self.files {
            view.set(path.clone(), state.clone());
        }
        view
    }

    /// Whether the kubelet's flags or its configuration change.
    pub(crate) fn touches_configuration(&self) -> bool {
        self.files.values().any(|(role, _)| *role != Role::Plugin)
    }

    /// The changes from what is on the node.
    pub(crate) fn plan(self, record: Option<Record>) -> Result<Plan, NodeError> {
        let Base {
            view,
            known,
            mixed,
            foreign,
        } = self.base;
        let tree = view.tree;
        let (mut changes, mut originals) = (Vec::new(), Vec::new());
        let mut after = Record {
            version: VERSION,
            files: mixed.clone(),
            ..Record::default()
        };
        let mut directories = Vec::new();
        for (path, (role, then)) in &self.files {
            let (now, before) = (tree.read(path)?, view.state(path)?);
            for directory in missing_directories(tree, path) {
                if !directories.contains(&directory) {
                    directories.push(directory);
                }
            }
            after.files.push(RecordedFile {
                path: path.clone(),
                role: *role,
                before: Before::of(&before),
                ours: vec![then.mark()],
            });
            originals.push(before);
            changes.extend(change(path, *role, now, then.clone(), false));
        }
        for file in known {
            if !self.files.contains_key(&file.path) {
                let now = tree.read(&file.path)?;
                changes.extend(change(
                    &file.path,
                    file.role,
                    now,
                    view.state(&file.path)?,
                    true,
                ));
            }
        }
        changes.sort_by_key(Change::rank);
        let made = record.iter().flat_map(|record| &record.directories);
        let made = made.filter(|directory| !directories.contains(directory));
        after.directories = made.chain(&directories).cloned().collect();
        let mut during = after.clone();
        for old in known {
            match during.files.iter_mut().find(|file| file.path == old.path) {
                Some(file) => file
                    .ours
                    .splice(..0, old.ours.iter().cloned())
                    .for_each(drop),
                None => during.files.push(old.clone()),
            }
        }
        let is_pending = record.as_ref().is_some_and(|record| record.pending);
        let restart = is_pending || changes.iter().any(Change::needs_restart);
        during.pending = restart;
        let note = |file: &RecordedFile| {
            format!(
                "{} was changed since and has nothing of regcred any more",
                file.path.display()
            )
        };
        Ok(Plan {
            node: String::new(),
            unit: String::new(),
            paths: None,
            paths_before: None,
            changes,
            directories,
            restart,
            notes: foreign.iter().map(note).collect(),
            originals,
            during,
            after: (!after.files.is_empty()).then_some(after),
            record,
        })
    }
}

/// A change, unless the content is the same.
pub(crate) fn change(
    path: &Path,
    role: Role,
    now: FileState,
    then: FileState,
    undoes: bool,
) -> Option<Change> {
    (now != then).then(|| Change {
        path: path.to_owned(),
        role,
        now,
        then,
        undoes,
    })
}

fn entries_of(view: &View<'_>, file: &Path) -> Result<Vec<String>, NodeError> {
    let text = view.text(file)?.unwrap_or_default();
    let config = decode(file, &text)?;
    Ok(config
        .providers
        .into_iter()
        .map(|entry| entry.name)
        .collect())
}

/// As for a kubelet.
fn is_configuration(name: &str) -> bool {
    let extension = Path::new(name).extension().unwrap_or_default();
    [".json", ".yaml", ".yml"]
        .iter()
        .any(|known| extension == &known[1..])
}

/// In a directory of configurations, the file of regcred's own.
const IN_DIRECTORY: &str = "50-regcred.yaml";
