//! The plan of a removal.

use crate::base::{Base, changed_since};
use crate::change::Change;
use crate::error::NodeError;
use crate::plan::Plan;
use crate::record::Record;
use crate::role::Role;
use crate::targets::change;
use crate::tree::Tree;

/// Plans the removal of what is installed; without it, nothing.
///
/// # Errors
/// When others changed a file in which something of the installation still is: it is not overwritten.
pub fn plan_removal(tree: &Tree) -> Result<Plan, NodeError> {
    let record = Record::read(tree)?;
    let base = Base::of(tree, record.as_ref())?;
    if let Some(file) = base.mixed.first() {
        let entries = record.as_ref().map_or(&[][..], |record| &record.entries);
        let what = match file.role {
            Role::Config => format!("take the entries {} out by hand", entries.join(", ")),
            _ => "take --image-credential-provider-config and --image-credential-provider-bin-dir out by hand"
                .to_owned(),
        };
        return Err(changed_since(
            &file.path,
            format!("{what}, and run this again"),
        ));
    }
    let mut changes = Vec::new();
    for file in &base.known {
        let now = tree.read(&file.path)?;
        let then = base.view.state(&file.path)?;
        changes.extend(change(&file.path, file.role, now, then, true));
    }
    changes.sort_by_key(Change::rank);
    let mut during = record.clone().unwrap_or_default();
    let restart = during.pending || changes.iter().any(Change::needs_restart);
    during.pending = restart;
    let notes = base.foreign.iter().map(|file| {
        format!(
            "{} was changed since regcred installed it, and is left as it is",
            file.path.display()
        )
    });
    Ok(Plan {
        node: during.node.clone(),
        unit: during.unit.clone(),
        paths: None,
        paths_before: None,
        notes: notes.collect(),
        directories: Vec::new(),
        originals: Vec::new(),
        changes,
        restart,
        during,
        after: None,
        record,
    })
}
