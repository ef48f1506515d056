//! The two locks of a pull under way, in every order in which processes can take their steps and be
//! killed.

use std::collections::HashSet;

use regcred_api::pull_record::ImagePullIntent;

use super::PullsUnderWay;
use crate::image::records::files::RecordFiles;

#[test]
fn the_intent_of_a_pull_is_forgotten_only_after_its_process_has_ended() {
    let root = tempfile::tempdir().expect("a directory");
    let files = RecordFiles::open(root.path()).expect("directories");
    let (one, other) = (PullsUnderWay::default(), PullsUnderWay::default());
    let is_known = || {
        files
            .find::<ImagePullIntent>("a:v1")
            .expect("readable")
            .is_some()
    };
    one.begin(&files, "a:v1").expect("begun");
    other.forget(&files, "a:v1").expect("looked at");
    assert!(is_known() && other.is_under_way(&files, "a:v1"));
    one.abandon("a:v1");
    other.forget(&files, "a:v1").expect("looked at");
    assert!(!is_known());
}

/// Processes that pull one image, and one that settles what was interrupted.
const PROCESSES: usize = 3;

/// The files of an image, and where each process is.
#[derive(Clone, PartialEq, Eq, Hash)]
struct State {
    /// The holder of the lock of all.
    all: Option<usize>,
    intent: bool,
    /// The lock file under the image's name: each one that is made has a number of its own.
    file: Option<u8>,
    made: u8,
    /// The lock file that a process has open, and whether it holds its lock.
    open: [Option<(u8, bool)>; PROCESSES],
    at: [Step; PROCESSES],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Step {
    Begin,
    WriteIntent,
    OpenOwn,
    LockOwn,
    Pull,
    End,
    Release,
    OpenToEnd,
    TryToEnd,
    RemoveIntent,
    RemoveFile,
    Leave,
    Settle,
    Gone,
}

impl State {
    /// What the process can do next: the state after it, or `None` while it waits.
    fn next(&self, process: usize) -> Option<Self> {
        use Step::*;
        let mut next = self.clone();
        next.at[process] = match self.at[process] {
            Begin | End | Settle if self.all.is_some() => return None,
            Begin => {
                next.all = Some(process);
                WriteIntent
            }
            WriteIntent => {
                next.intent = true;
                OpenOwn
            }
            OpenOwn => {
                next.open_file(process);
                LockOwn
            }
            LockOwn => {
                assert!(
                    !self.is_locked_by_other(process),
                    "it is free under the lock of all"
                );
                next.lock(process);
                next.all = None;
                Pull
            }
            Pull => End,
            End => {
                next.all = Some(process);
                Release
            }
            Release => {
                next.open[process] = None;
                OpenToEnd
            }
            Settle => {
                next.all = Some(process);
                OpenToEnd
            }
            OpenToEnd => {
                next.open_file(process);
                TryToEnd
            }
            TryToEnd if self.is_locked_by_other(process) => Leave,
            TryToEnd => {
                next.lock(process);
                RemoveIntent
            }
            RemoveIntent => {
                next.intent = false;
                RemoveFile
            }
            RemoveFile => {
                next.file = None;
                Leave
            }
            Leave => {
                next.open[process] = None;
                next.all = None;
                Gone
            }
            Gone => return None,
        };
        Some(next)
    }

    /// The process is killed: the kernel releases what it holds.
    fn killed(&self, process: usize) -> Self {
        let mut next = self.clone();
        next.at[process] = Step::Gone;
        next.open[process] = None;
        next.all = self.all.filter(|holder| *holder != process);
        next
    }

    fn open_file(&mut self, process: usize) {
        let number = self.file.unwrap_or_else(|| {
            self.made += 1;
            self.made
        });
        self.file = Some(number);
        self.open[process] = Some((number, false));
    }

    fn lock(&mut self, process: usize) {
        if let Some((_, is_held)) = &mut self.open[process] {
            *is_held = true;
        }
    }

    /// Whether another process holds the lock of the file that this one has open. Pulls share it.
    fn is_locked_by_other(&self, process: usize) -> bool {
        let Some((own, _)) = self.open[process] else {
            return false;
        };
        let is_shared = self.at[process] == Step::LockOwn;
        (0..PROCESSES)
            .filter(|other| *other != process)
            .any(|other| {
                let is_pull = matches!(self.at[other], Step::Pull | Step::End | Step::Release);
                self.open[other] == Some((own, true)) && !(is_shared && is_pull)
            })
    }
}

#[test]
fn an_image_that_is_pulled_has_its_intent_whatever_else_happens() {
    let start = State {
        all: None,
        intent: false,
        file: None,
        made: 0,
        open: [None; PROCESSES],
        at: [Step::Begin, Step::Begin, Step::Settle],
    };
    let (mut seen, mut open) = (HashSet::new(), vec![start]);
    let mut ends = 0;
    while let Some(state) = open.pop() {
        if !seen.insert(state.clone()) {
            continue;
        }
        let pulls = |step: &Step| matches!(step, Step::Pull | Step::End);
        assert!(
            state.intent || !state.at.iter().any(pulls),
            "{:?}",
            state.at
        );
        let steps: Vec<_> = (0..PROCESSES).filter_map(|one| state.next(one)).collect();
        let are_gone = state.at.iter().all(|step| *step == Step::Gone);
        assert!(
            are_gone || !steps.is_empty(),
            "no process can go on: {:?}",
            state.at
        );
        assert!(!are_gone || state.all.is_none(), "the lock is left");
        ends += usize::from(are_gone);
        open.extend(steps);
        let alive = (0..PROCESSES).filter(|one| state.at[*one] != Step::Gone);
        open.extend(alive.map(|one| state.killed(one)));
    }
    assert!(
        seen.len() > 400 && ends > 1,
        "{} states, {ends} ends",
        seen.len()
    );
}
