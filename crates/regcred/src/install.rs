//! `regcred install` and `regcred uninstall`: plugins, configuration and flags on a node, and the way
//! back.

mod arguments;
mod host;
mod outcome;
mod software;

use std::path::{Path, PathBuf};

use regcred_core::Env;
use regcred_node::{
    Change, NodeError, ProviderPaths, Tree, apply, plan_installation, plan_removal, unified,
};
use regcred_run::{ProgramError, block_on, output};

use crate::check::{self, CheckReport};

pub(crate) use arguments::{InstallArgs, UninstallArgs};

use arguments::NodeArgs;
use host::{enter_host, service};
use outcome::{done, exit, nothing};

pub(crate) fn run(args: &InstallArgs, env: &Env) -> Result<(), ProgramError> {
    // Before the host's files are seen in place of these.
    let wish = software::wish(args, env)?;
    let tree = open(&args.node)?;
    let plan = plan_installation(&tree, &wish).map_err(exit)?;
    let kubelet = host::running(&args.node, &plan)?;
    if plan.is_empty() {
        return nothing(&plan, "everything is installed");
    }
    if args.node.dry_run {
        return show(&plan.changes);
    }
    let service = service(&args.node, &plan, kubelet.as_ref())?;
    let verdict = std::cell::RefCell::new(None);
    let check = |paths: &ProviderPaths| {
        let report = examine(&tree, paths);
        let is_sound = report.errors == 0;
        if is_sound {
            verdict.replace(Some(report.verdict));
            return Ok(());
        }
        output::note(&report.text());
        Err(NodeError::Unchecked)
    };
    let restarted = block_on(apply(&tree, &plan, service.as_ref(), &check))?.map_err(exit)?;
    done(&plan, restarted, verdict.take())
}

pub(crate) fn run_removal(args: &UninstallArgs) -> Result<(), ProgramError> {
    let tree = open(&args.node)?;
    let plan = plan_removal(&tree).map_err(exit)?;
    if plan.is_empty() && !plan.has_leftovers(&tree) {
        return nothing(&plan, "nothing is installed");
    }
    if args.node.dry_run {
        return show(&plan.changes);
    }
    let kubelet = host::running(&args.node, &plan)?;
    let service = service(&args.node, &plan, kubelet.as_ref())?;
    let restarted = block_on(apply(&tree, &plan, service.as_ref(), &|_| Ok(())))?.map_err(exit)?;
    done(&plan, restarted, None)
}

/// The node's files: those of a directory, of the host of this container, or of this machine.
fn open(args: &NodeArgs) -> Result<Tree, ProgramError> {
    if args.host {
        enter_host()?;
    }
    let root = args.root.clone().unwrap_or_else(|| PathBuf::from("/"));
    Tree::open(&root).map_err(exit)
}

fn examine(tree: &Tree, paths: &ProviderPaths) -> CheckReport {
    let seen = |path: &Path| {
        let real = tree.real(path, true);
        tree.outside(real.as_deref().unwrap_or(path))
    };
    check::of_paths(&seen(&paths.config), &seen(&paths.bin_dir))
}

fn show(changes: &[Change]) -> Result<(), ProgramError> {
    output::write(&unified(changes))
}
