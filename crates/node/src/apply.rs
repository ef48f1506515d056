//! A plan carried out, or put back.
//!
//! The record is on disk before the first change and until the last. A process that is killed in
//! between leaves each file as it was or as it will be, and the record of both.

use std::path::Path;

use crate::change::{AFTER_RESTART, Change};
use crate::error::NodeError;
use crate::flags::ProviderPaths;
use crate::plan::Plan;
use crate::record::{RECORD, Record};
use crate::role::Role;
use crate::service::{Restarted, Service};
use crate::state::FileState;
use crate::tree::Tree;

/// Checks what a kubelet would read.
pub type Check<'a> = dyn Fn(&ProviderPaths) -> Result<(), NodeError> + 'a;

/// Carries a plan out. `service` restarts the kubelet; without it, it takes the change at its next start.
///
/// # Errors
/// Everything is put back as it was, unless the error says otherwise.
pub async fn apply(
    tree: &Tree,
    plan: &Plan,
    service: Option<&Service>,
    check: &Check<'_>,
) -> Result<Restarted, NodeError> {
    Record::make_directories(tree)?;
    let _lock = Record::lock(tree)?;
    let unchanged = Record::read(tree)? == plan.record;
    for change in &plan.changes {
        if !unchanged || tree.read(&change.path)? != change.now {
            return Err(NodeError::at(
                &change.path,
                None,
                "it changed in the meantime",
                "run this again",
            ));
        }
    }
    let mut transition = Transition {
        tree,
        plan,
        done: Vec::new(),
        restarted: false,
    };
    let begun = transition.begin();
    let done = match begun {
        Ok(()) => transition.go(service, check).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(restarted) => {
            transition.end(restarted)?;
            Ok(restarted)
        }
        Err(why) => Err(transition.put_back(service, why).await),
    }
}

struct Transition<'a> {
    tree: &'a Tree,
    plan: &'a Plan,
    /// What was changed, in that order.
    done: Vec<&'a Change>,
    restarted: bool,
}

impl<'a> Transition<'a> {
    /// The way back, before the first change.
    fn begin(&self) -> Result<(), NodeError> {
        for original in &self.plan.originals {
            Record::keep(self.tree, original)?;
        }
        if self.plan.record.is_some() || self.plan.after.is_some() {
            self.plan.during.write(self.tree)?;
        }
        Ok(())
    }

    async fn go(
        &mut self,
        service: Option<&Service>,
        check: &Check<'_>,
    ) -> Result<Restarted, NodeError> {
        for directory in &self.plan.directories {
            self.tree.make_directory(directory, 0o755)?;
        }
        self.change(|rank| rank < AFTER_RESTART)?;
        if let Some(service) = service {
            service.relabel(self.written()).await?;
            service.try_plugins(self.written()).await?;
        }
        if let Some(paths) = &self.plan.paths {
            check(paths)?;
        }
        let mut restarted = Restarted::NotAsked;
        if let (true, Some(service)) = (self.plan.restart, service) {
            self.step()?;
            self.restarted = true;
            restarted = service.restart(&self.plan.unit, self.reload()).await?;
        }
        self.change(|rank| rank == AFTER_RESTART)?;
        Ok(restarted)
    }

    fn change(&mut self, is_due: impl Fn(u8) -> bool) -> Result<(), NodeError> {
        for change in self
            .plan
            .changes
            .iter()
            .filter(|change| is_due(change.rank()))
        {
            self.done.push(change);
            self.tree.put(&change.path, &change.then)?;
        }
        Ok(())
    }

    /// Plugins that were put there.
    fn written(&self) -> impl Iterator<Item = std::path::PathBuf> {
        let plugins = self.done.iter().filter(|change| {
            change.role == Role::Plugin && change.then != FileState::Absent && !change.undoes
        });
        plugins.map(|change| self.tree.outside(&change.path))
    }

    /// Whether systemd has to read units again.
    fn reload(&self) -> bool {
        let mut done = self.done.iter();
        done.any(|change| change.path.starts_with("/etc/systemd/system"))
    }

    fn step(&self) -> Result<(), NodeError> {
        let step = self.tree.fuse.step();
        step.map_err(NodeError::io(
            "restart the kubelet after changes recorded in",
            Path::new(RECORD),
        ))
    }

    /// The record of what is there now.
    fn end(&self, restarted: Restarted) -> Result<(), NodeError> {
        match &self.plan.after {
            Some(after) => {
                let mut after = after.clone();
                after.pending = self.plan.restart && restarted == Restarted::Later;
                for file in &self.plan.during.files {
                    self.tree.sweep(&file.path)?;
                }
                after.write(self.tree)?;
                Record::remove_originals(self.tree, &after.files)
            }
            None => self.forget(),
        }
    }

    fn forget(&self) -> Result<(), NodeError> {
        for file in &self.plan.during.files {
            self.tree.sweep(&file.path)?;
        }
        for directory in self.plan.during.directories.iter().rev() {
            self.tree.remove_directory(directory)?;
        }
        Record::remove(self.tree)
    }

    async fn put_back(&mut self, service: Option<&Service>, why: NodeError) -> NodeError {
        let why = Box::new(why);
        match self.undo(service).await {
            Ok(None) => NodeError::PutBack { why },
            Ok(Some(again)) => NodeError::Service(format!(
                "{why}; everything is as it was before, and the kubelet is not healthy with that either: {again}"
            )),
            Err(again) => NodeError::Stuck {
                why,
                again: Box::new(again),
            },
        }
    }

    /// Puts everything back. Returns why the kubelet is not healthy then.
    async fn undo(&self, service: Option<&Service>) -> Result<Option<NodeError>, NodeError> {
        let mut again = None;
        let is_used = |change: &&&Change| change.role == Role::Plugin && !change.undoes;
        for change in self.done.iter().rev().filter(|change| !is_used(change)) {
            self.tree.put(&change.path, &change.now)?;
        }
        if let (true, Some(service)) = (self.restarted, service) {
            again = service.restart(&self.plan.unit, self.reload()).await.err();
        }
        for change in self.done.iter().rev().filter(is_used) {
            self.tree.put(&change.path, &change.now)?;
        }
        match &self.plan.record {
            Some(record) => {
                for directory in self.plan.directories.iter().rev() {
                    self.tree.remove_directory(directory)?;
                }
                record.write(self.tree)?;
                Record::remove_originals(self.tree, &record.files)?;
            }
            None => self.forget()?,
        }
        Ok(again)
    }
}
