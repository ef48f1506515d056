//! Pull records (`crates/engine/src/image/records`): processes that pull one image, settle what an earlier one left, or
//! remove the records of images that are gone.
//!
//! An image that is present without a record and without an intent counts as preloaded, and any pod may use it.

use super::explore::{Protocol, explore};

#[derive(Clone, Copy)]
struct PullRecords {
    roles: [Role; 3],
    /// The guards.
    lock_to_prune: bool,
    time_of_every_write: bool,
    lock_to_look: bool,
    intent_first: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Role {
    Pulls,
    Settles,
    Prunes,
}

const SOUND: PullRecords = PullRecords {
    roles: [Role::Pulls, Role::Pulls, Role::Settles],
    lock_to_prune: true,
    time_of_every_write: true,
    lock_to_look: true,
    intent_first: true,
};

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Record {
    Missing,
    Old,
    /// Changed after [`Role::Prunes`] began.
    New,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum At {
    LockToBegin,
    WriteIntent,
    OpenShared,
    LockShared,
    Begun,
    Pull,
    LockToAdd,
    Add,
    Added,
    LockToEnd,
    OpenToEnd,
    TryToEnd,
    RemoveIntent,
    RemoveLock,
    UnlockAtEnd,
    ListImages,
    Intents,
    LockToLook,
    OpenToLook,
    TryToLook,
    RemoveSeenLock,
    Looked,
    LockToPrune,
    ListRecords,
    RemoveRecord,
    Ended,
    Killed,
}

/// A file that has or had the name of the image's lock.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
struct ImageLock {
    shared: [bool; 3],
    alone: Option<usize>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct State {
    is_present: bool,
    intent: bool,
    record: Record,
    began: bool,
    all: Option<usize>,
    named: Option<usize>,
    locks: Vec<ImageLock>,
    at: [At; 3],
    opened: [usize; 3],
    /// What a process saw: the image in the runtime, a record that is old.
    listed: [bool; 3],
    is_old: [bool; 3],
}

impl State {
    fn open(&mut self, process: usize) {
        let file = self.named.unwrap_or(self.locks.len());
        if file == self.locks.len() {
            self.locks.push(ImageLock::default());
        }
        self.named = Some(file);
        self.opened[process] = file;
    }

    /// Takes a file's lock alone, if it is free.
    fn try_lock(&mut self, process: usize) -> bool {
        let lock = &mut self.locks[self.opened[process]];
        let is_free = lock.alone.is_none() && !lock.shared.contains(&true);
        if is_free {
            lock.alone = Some(process);
        }
        is_free
    }

    /// Closes a file that was locked alone.
    fn close(&mut self, process: usize) {
        for lock in &mut self.locks {
            lock.alone = lock.alone.filter(|holder| *holder != process);
        }
    }

    /// Closes the lock of a pull.
    fn leave(&mut self, process: usize) {
        for lock in &mut self.locks {
            lock.shared[process] = false;
        }
    }
}

impl Protocol for PullRecords {
    type State = State;

    fn starts(&self) -> Vec<State> {
        let mut all = Vec::new();
        for (is_present, intent, record) in [
            (false, false, Record::Missing),
            (false, false, Record::Old),
            (false, true, Record::Missing),
            (true, true, Record::Missing),
            (true, true, Record::Old),
        ] {
            let at = self.roles.map(|role| match role {
                Role::Pulls if self.intent_first => At::LockToBegin,
                Role::Pulls => At::Pull,
                Role::Settles | Role::Prunes => At::ListImages,
            });
            all.push(State {
                is_present,
                intent,
                record,
                began: false,
                all: None,
                named: None,
                locks: Vec::new(),
                at,
                opened: [0; 3],
                listed: [false; 3],
                is_old: [false; 3],
            });
        }
        all
    }

    fn processes(&self) -> usize {
        3
    }

    fn has_ended(&self, state: &State, process: usize) -> bool {
        matches!(state.at[process], At::Ended | At::Killed)
    }

    fn steps(&self, state: &State, process: usize) -> Vec<(&'static str, State)> {
        let mut next = state.clone();
        let at = state.at[process];
        let locks = match at {
            At::LockToBegin | At::LockToAdd | At::LockToEnd => true,
            At::LockToLook => self.lock_to_look,
            At::LockToPrune => self.lock_to_prune,
            _ => false,
        };
        if locks && state.all.is_some() {
            return Vec::new();
        }
        if locks {
            next.all = Some(process);
        }
        let unlock = |next: &mut State| next.all = next.all.filter(|holder| *holder != process);
        let (name, then) = match at {
            At::LockToBegin => ("PullsUnderWay::begin: lock", At::WriteIntent),
            At::WriteIntent => {
                next.intent = true;
                ("RecordFiles::write(intent)", At::OpenShared)
            }
            At::OpenShared => {
                next.open(process);
                ("RecordFiles::image_lock", At::LockShared)
            }
            At::LockShared => {
                let lock = &mut next.locks[state.opened[process]];
                if lock.alone.is_some() {
                    return Vec::new();
                }
                lock.shared[process] = true;
                ("File::lock_shared", At::Begun)
            }
            At::Begun => {
                unlock(&mut next);
                let then = if self.intent_first {
                    At::Pull
                } else {
                    At::LockToAdd
                };
                ("PullsUnderWay::begin ends", then)
            }
            At::Pull => {
                next.is_present = true;
                let then = if self.intent_first {
                    At::LockToAdd
                } else {
                    At::LockToBegin
                };
                ("ImageStore::pull", then)
            }
            At::LockToAdd => ("PullRecords::add: lock", At::Add),
            At::Add => {
                let is_missing = state.record == Record::Missing;
                if is_missing || self.time_of_every_write {
                    next.record = if state.began {
                        Record::New
                    } else {
                        Record::Old
                    };
                }
                ("PullRecords::add", At::Added)
            }
            At::Added => {
                unlock(&mut next);
                ("PullRecords::add ends", At::LockToEnd)
            }
            At::LockToEnd => {
                next.leave(process);
                ("PullsUnderWay::{end,forget}: lock", At::OpenToEnd)
            }
            At::OpenToEnd => {
                next.open(process);
                ("remove_unless_pulled: image_lock", At::TryToEnd)
            }
            At::TryToEnd if next.try_lock(process) => {
                ("remove_unless_pulled: try_lock", At::RemoveIntent)
            }
            At::TryToEnd => ("remove_unless_pulled: pulled", At::UnlockAtEnd),
            At::RemoveIntent => {
                next.intent = false;
                ("RecordFiles::remove(intent)", At::RemoveLock)
            }
            At::RemoveLock => {
                next.named = None;
                ("fs::remove_file(lock)", At::UnlockAtEnd)
            }
            At::UnlockAtEnd => {
                next.close(process);
                unlock(&mut next);
                ("PullsUnderWay::{end,forget} ends", At::Ended)
            }
            At::ListImages => {
                next.listed[process] = state.is_present;
                let prunes = self.roles[process] == Role::Prunes;
                next.began |= prunes;
                let then = if prunes { At::LockToPrune } else { At::Intents };
                ("ImageStore::images", then)
            }
            At::Intents if state.intent => ("PullRecords::settle", At::LockToLook),
            At::Intents => ("PullRecords::settle: no intent", At::Ended),
            At::LockToLook => ("PullsUnderWay::is_under_way", At::OpenToLook),
            At::OpenToLook => {
                next.open(process);
                ("is_under_way: image_lock", At::TryToLook)
            }
            At::TryToLook if next.try_lock(process) => {
                ("is_under_way: try_lock", At::RemoveSeenLock)
            }
            At::TryToLook => {
                unlock(&mut next);
                ("is_under_way: yes", At::Ended)
            }
            At::RemoveSeenLock => {
                next.named = None;
                ("fs::remove_file(lock)", At::Looked)
            }
            At::Looked => {
                next.close(process);
                unlock(&mut next);
                let then = if state.listed[process] {
                    At::LockToAdd
                } else {
                    At::Ended
                };
                ("is_under_way: no", then)
            }
            At::LockToPrune => ("PullRecords::prune: lock", At::ListRecords),
            At::ListRecords => {
                next.is_old[process] = state.record == Record::Old;
                ("RecordFiles::all", At::RemoveRecord)
            }
            At::RemoveRecord => {
                if state.is_old[process] && !state.listed[process] {
                    next.record = Record::Missing;
                }
                unlock(&mut next);
                ("RecordFiles::remove(record)", At::Ended)
            }
            At::Ended | At::Killed => return Vec::new(),
        };
        next.at[process] = then;
        vec![(name, next)]
    }

    fn kill(&self, state: &State, process: usize) -> State {
        let mut next = state.clone();
        next.all = state.all.filter(|holder| *holder != process);
        next.close(process);
        next.leave(process);
        next.at[process] = At::Killed;
        next
    }

    fn wrong(&self, state: &State) -> Option<&'static str> {
        let adds = |at| {
            matches!(
                at,
                At::Begun | At::Pull | At::LockToAdd | At::Add | At::Added
            )
        };
        let pulls = self.roles.iter().zip(state.at);
        let mut under_way = pulls.filter(|(role, at)| **role == Role::Pulls && adds(*at));
        if state.is_present && state.record == Record::Missing && !state.intent {
            Some("a pulled image counts as preloaded")
        } else if self.intent_first && under_way.any(|_| !state.intent) {
            Some("a pull under way is not on record")
        } else {
            None
        }
    }
}

#[test]
fn a_pulled_image_has_a_record_or_an_intent_at_any_moment() {
    for roles in [
        SOUND.roles,
        [Role::Pulls, Role::Pulls, Role::Prunes],
        [Role::Pulls, Role::Settles, Role::Prunes],
    ] {
        let states = explore(&PullRecords { roles, ..SOUND }).expect("sound");
        assert!(states > 1_000, "only {states} states");
    }
}

#[test]
fn without_one_guard_a_pulled_image_counts_as_preloaded() {
    let roles = [Role::Pulls, Role::Settles, Role::Prunes];
    for records in [
        PullRecords {
            roles,
            lock_to_prune: false,
            ..SOUND
        },
        PullRecords {
            roles,
            time_of_every_write: false,
            ..SOUND
        },
        PullRecords {
            intent_first: false,
            ..SOUND
        },
    ] {
        let steps = explore(&records).expect_err("a counterexample");
        assert!(steps.ends_with("counts as preloaded"), "{steps}");
    }
}

#[test]
fn a_lock_file_that_is_removed_without_the_lock_of_all_hides_a_pull() {
    let found = explore(&PullRecords {
        lock_to_look: false,
        ..SOUND
    });
    let steps = found.expect_err("a counterexample");
    assert!(steps.ends_with("is not on record"), "{steps}");
}
