//! A node as it would be without what is installed.

use std::path::{Path, PathBuf};

use crate::error::NodeError;
use crate::record::{Before, Record, RecordedFile};
use crate::role::Role;
use crate::state::FileState;
use crate::tree::Tree;
use crate::view::View;

/// The node without the installation that a record describes.
#[derive(Debug)]
pub(crate) struct Base<'a> {
    pub(crate) view: View<'a>,
    /// Files as they were installed, or as they were before.
    pub(crate) known: Vec<RecordedFile>,
    /// Files that others changed, and in which something of the installation still is.
    pub(crate) mixed: Vec<RecordedFile>,
    /// Files that others changed, and in which nothing of it is left.
    pub(crate) foreign: Vec<RecordedFile>,
}

impl<'a> Base<'a> {
    pub(crate) fn of(tree: &'a Tree, record: Option<&Record>) -> Result<Self, NodeError> {
        let mut base = Self {
            view: View::of(tree),
            known: Vec::new(),
            mixed: Vec::new(),
            foreign: Vec::new(),
        };
        for file in record.into_iter().flat_map(|record| &record.files) {
            let now = tree.read(&file.path)?;
            if file.ours.contains(&now.mark()) || Before::of(&now) == file.before {
                base.view.set(file.path.clone(), file.original(tree)?);
                base.known.push(file.clone());
            } else if has_ours(file.role, &now, record.map_or(&[], |r| &r.entries)) {
                base.mixed.push(file.clone());
            } else {
                base.foreign.push(file.clone());
            }
        }
        Ok(base)
    }

    pub(crate) fn is_mixed(&self, path: &Path) -> bool {
        self.mixed.iter().any(|file| file.path == path)
    }
}

/// Whether something of an installation is left in a file that others changed. Of a program only the
/// whole is known.
fn has_ours(role: Role, now: &FileState, entries: &[String]) -> bool {
    let text = now.text().unwrap_or_default();
    match role {
        Role::Plugin => false,
        Role::Config => entries.iter().any(|name| text.contains(name)),
        Role::Flags => FLAGS.iter().any(|flag| text.contains(flag)),
    }
}

/// A refusal to change a file that others changed.
pub(crate) fn changed_since(path: &Path, instead: impl Into<String>) -> NodeError {
    NodeError::at(
        path,
        None,
        "it was changed since regcred installed into it",
        instead,
    )
}

/// The directories on the way to a path that do not exist, the outermost first.
pub(crate) fn missing_directories(tree: &Tree, path: &Path) -> Vec<PathBuf> {
    let above = path.ancestors().skip(1);
    let missing = above.take_while(|directory| !tree.is_directory(directory));
    let mut missing: Vec<_> = missing.map(Path::to_owned).collect();
    missing.reverse();
    missing
}

const FLAGS: [&str; 2] = ["image-credential-provider", "imageCredentialProvider"];
