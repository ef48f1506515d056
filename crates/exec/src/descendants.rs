//! The processes that a process started, and those that they started.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::Path;

use regcred_files::read;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// Running processes, each held by a descriptor, so that its number cannot become another's.
pub(crate) struct Descendants(Vec<OwnedFd>);

/// What the kernel shows of a process.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Process {
    pid: i32,
    parent: i32,
    /// In ticks since the machine was started: two processes of one number differ in it.
    started: u64,
}

impl Descendants {
    /// All that are still connected to the process by parents that run.
    pub(crate) fn of(ancestor: Pid) -> Self {
        let all = processes();
        let mut found = vec![ancestor.as_raw_nonzero().get()];
        let mut held = Vec::new();
        let mut at = 0;
        while let Some(parent) = found.get(at).copied() {
            for process in all.iter().filter(|process| process.parent == parent) {
                // Numbers that were used again while they were read may make a circle.
                if !found.contains(&process.pid) {
                    found.push(process.pid);
                    held.extend(process.hold());
                }
            }
            at += 1;
        }
        Self(held)
    }

    /// Kills them.
    pub(crate) fn kill(&self) {
        for process in &self.0 {
            let _ = pidfd_send_signal(process, Signal::KILL);
        }
    }
}

impl Process {
    fn read(pid: i32) -> Option<Self> {
        let stat = read(Path::new(&format!("/proc/{pid}/stat")), LONGEST_STAT).ok()?;
        let stat = String::from_utf8_lossy(&stat);
        // Its name is in parentheses and may hold anything.
        let (_, fields) = stat.rsplit_once(") ")?;
        let mut fields = fields.split(' ');
        Some(Self {
            pid,
            parent: fields.nth(1)?.parse().ok()?,
            started: fields.nth(17)?.parse().ok()?,
        })
    }

    /// A descriptor of this process and of no later one with its number.
    fn hold(self) -> Option<OwnedFd> {
        let held = pidfd_open(Pid::from_raw(self.pid)?, PidfdFlags::empty()).ok()?;
        let is_same = Self::read(self.pid).is_some_and(|now| now.started == self.started);
        is_same.then_some(held)
    }
}

fn processes() -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(Process::read).collect()
}

/// A name of 16 characters and 51 numbers.
const LONGEST_STAT: u64 = 4096;
