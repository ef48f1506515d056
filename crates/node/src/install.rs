//! The plan of an installation.

use crate::base::Base;
use crate::error::NodeError;
use crate::layout::Layout;
use crate::plan::Plan;
use crate::record::Record;
use crate::role::Role;
use crate::targets::Targets;
use crate::tree::Tree;
use crate::wish::Wish;

/// Plans an installation. What an earlier one put there and this one does not name is taken away.
///
/// # Errors
/// When a file is not understood, or the node is one that is not changed this way.
pub fn plan_installation(tree: &Tree, wish: &Wish) -> Result<Plan, NodeError> {
    let record = Record::read(tree)?;
    let base = Base::of(tree, record.as_ref())?;
    let Layout { found, paths } = Layout::of(&base.view, wish.bin_dir.as_deref())?;
    let mut targets = Targets::new(&base);
    if let Some((path, state)) = found.edit {
        let path = tree.real(&path, true)?;
        targets.add(path, Role::Flags, state)?;
    }
    let names = targets.config(&paths, wish)?;
    targets.plugins(&paths, wish, &names)?;
    if let (Some((who, instead)), true) = (found.rewritten, targets.touches_configuration()) {
        return Err(NodeError::refused(
            format!("the kubelet's flags and configuration on this node are not edited: {who}"),
            instead,
        ));
    }
    // What was edited is read again as the node reads it.
    let edited = Layout::of(&targets.view(), wish.bin_dir.as_deref())?;
    if !edited.found.has_flags || edited.paths != paths {
        return Err(NodeError::refused(
            format!("an edit of {} would not reach the kubelet", found.unit),
            format!(
                "add {} to its command line by hand",
                paths.flags().join(" ")
            ),
        ));
    }
    let entries = targets.own_entries.clone();
    let mut plan = targets.plan(record)?;
    plan.node = found.kind.to_owned();
    plan.unit.clone_from(&found.unit);
    for record in plan.after.iter_mut().chain([&mut plan.during]) {
        record.node = found.kind.to_owned();
        record.unit.clone_from(&found.unit);
        record.written_by.clone_from(&wish.written_by);
        record.entries.clone_from(&entries);
    }
    plan.paths_before = found.has_flags.then(|| paths.clone());
    plan.paths = Some(paths);
    Ok(plan)
}
