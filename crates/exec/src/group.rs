//! The process group that a child leads.

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Child;

use crate::descendants::Descendants;

/// Kills the whole group when dropped, unless the run ended normally.
pub(crate) struct Group(Option<Pid>);

impl Group {
    /// The group of a child that was started with `process_group(0)`.
    pub(crate) fn led_by(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(Pid::from_raw))
    }

    /// Kills every process in it, and those that left it and still have a parent in it. It is not an error
    /// if the group is already gone. A daemon, such as the agent that a credential helper starts, has
    /// no parent of the group any more and stays, as after a kubelet.
    ///
    /// The number stays taken for as long as one process is in the group; when all are gone and
    /// the child was waited for, it is used again only after the system has gone through all
    /// process numbers, which the short waits of this crate do not allow for.
    pub(crate) fn kill(&mut self) {
        if let Some(leader) = self.0.take() {
            // Found before their parents end.
            let descendants = Descendants::of(leader);
            let _ = kill_process_group(leader, Signal::KILL);
            descendants.kill();
        }
    }

    /// Leaves what is still running in it alone.
    pub(crate) fn release(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}
