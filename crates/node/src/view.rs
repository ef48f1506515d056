//! A tree as it would be: some paths have other content than on disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use secrecy::zeroize::Zeroizing;

use crate::error::NodeError;
use crate::state::FileState;
use crate::tree::Tree;

/// A tree and what differs from it. Paths may lead through symbolic links.
#[derive(Clone, Debug)]
pub(crate) struct View<'a> {
    pub(crate) tree: &'a Tree,
    differing: BTreeMap<PathBuf, FileState>,
}

impl<'a> View<'a> {
    /// The tree as it is.
    pub(crate) fn of(tree: &'a Tree) -> Self {
        Self {
            tree,
            differing: BTreeMap::new(),
        }
    }

    /// Sets what is at a real path.
    pub(crate) fn set(&mut self, path: PathBuf, state: FileState) {
        self.differing.insert(path, state);
    }

    /// The real path of a file; a link at the end is followed.
    pub(crate) fn real(&self, path: &Path) -> Result<PathBuf, NodeError> {
        self.tree.real(path, true)
    }

    /// What is at a path, whose last part is not followed.
    pub(crate) fn state(&self, path: &Path) -> Result<FileState, NodeError> {
        let path = self.tree.real(path, false)?;
        match self.differing.get(&path) {
            Some(state) => Ok(state.clone()),
            None => self.tree.read(&path),
        }
    }

    /// The text of the file that a path leads to; `None` if it does not exist.
    ///
    /// # Errors
    /// When it cannot be read, or is not UTF-8.
    pub(crate) fn text(&self, path: &Path) -> Result<Option<Zeroizing<String>>, NodeError> {
        let path = self.real(path)?;
        let state = self.state(&path)?;
        match (&state, state.text()) {
            (_, Some(text)) => Ok(Some(Zeroizing::new(text.to_owned()))),
            (FileState::File(_), None) => Err(NodeError::at(
                &path,
                None,
                "this file is not text",
                "correct it, and run this again",
            )),
            _ => Ok(None),
        }
    }

    pub(crate) fn is_directory(&self, path: &Path) -> Result<bool, NodeError> {
        Ok(self.tree.is_directory(&self.real(path)?))
    }

    /// The names in a directory, sorted.
    pub(crate) fn names(&self, directory: &Path) -> Result<Vec<String>, NodeError> {
        let directory = self.real(directory)?;
        let mut names = self.tree.names(&directory)?;
        for (path, state) in &self.differing {
            if path.parent() != Some(&directory) {
                continue;
            }
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            names.retain(|known| *known != name);
            if *state != FileState::Absent {
                names.push(name.into_owned());
            }
        }
        names.sort();
        Ok(names)
    }
}
