//! One entry of the cache (`crates/cache/src/{cached,lock,list,dir}.rs`): processes that fetch, and sweeps that remove
//! the lock file while others wait for it.
//!
//! Not here: a process that has waited for 25 s fetches without the lock. What it stores is whole as well.

use super::explore::{Protocol, explore};

struct CacheEntry {
    /// The first are fetches, the others sweeps.
    fetches: usize,
    /// The guards.
    is_current: bool,
    useless_again: bool,
}

const SOUND: CacheEntry = CacheEntry {
    fetches: 2,
    is_current: true,
    useless_again: true,
};

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Entry {
    Missing,
    Expired,
    Fresh,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum At {
    Read,
    OpenLock,
    TryLock,
    OpenToWait,
    Lock,
    IsCurrent,
    ReadAgain,
    Fetch,
    Write,
    Rename,
    Useless,
    UselessAgain,
    RemoveEntry,
    RemoveLock,
    Drop,
    Ended,
    Killed,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct State {
    entry: Entry,
    /// The file that has the lock's name, and who holds each file that had it.
    named: Option<usize>,
    holders: Vec<Option<usize>>,
    at: [At; 3],
    opened: [usize; 3],
    temporaries: [bool; 3],
    fresh_removed: bool,
}

impl Protocol for CacheEntry {
    type State = State;

    fn starts(&self) -> Vec<State> {
        let at = [0, 1, 2].map(|process| {
            if process < self.fetches {
                At::Read
            } else {
                At::Useless
            }
        });
        let start = |(entry, named): (Entry, Option<usize>)| State {
            entry,
            named,
            holders: named.iter().map(|_| None).collect(),
            at,
            opened: [usize::MAX; 3],
            temporaries: [false; 3],
            fresh_removed: false,
        };
        let entries = [Entry::Missing, Entry::Expired];
        let pairs = entries
            .into_iter()
            .flat_map(|entry| [(entry, None), (entry, Some(0))]);
        pairs.map(start).collect()
    }

    fn processes(&self) -> usize {
        3
    }

    fn has_ended(&self, state: &State, process: usize) -> bool {
        matches!(state.at[process], At::Ended | At::Killed)
    }

    fn steps(&self, state: &State, process: usize) -> Vec<(&'static str, State)> {
        let fetches = process < self.fetches;
        let mut next = state.clone();
        let file = state.opened[process];
        let is_free = state.holders.get(file).is_some_and(Option::is_none);
        let first = if fetches {
            At::ReadAgain
        } else {
            At::UselessAgain
        };
        let (name, then) = match state.at[process] {
            At::Read if state.entry == Entry::Fresh => ("Slot::read", At::Ended),
            At::Read => ("Slot::read", At::OpenLock),
            At::OpenLock | At::OpenToWait => {
                let file = state.named.unwrap_or(state.holders.len());
                if file == state.holders.len() {
                    next.holders.push(None);
                }
                next.named = Some(file);
                next.opened[process] = file;
                let then = match state.at[process] {
                    At::OpenLock => At::TryLock,
                    _ => At::Lock,
                };
                ("CacheDir::open_lock", then)
            }
            At::TryLock | At::Lock if is_free => {
                next.holders[file] = Some(process);
                ("File::lock", At::IsCurrent)
            }
            At::TryLock if fetches => ("File::try_lock: busy", At::OpenToWait),
            At::TryLock => ("File::try_lock: busy", At::Ended),
            At::Lock => return Vec::new(),
            At::IsCurrent if state.named == Some(file) || !self.is_current => {
                ("CacheDir::is_current", first)
            }
            At::IsCurrent => {
                next.holders[file] = None;
                ("CacheDir::is_current: no", At::OpenToWait)
            }
            At::ReadAgain if state.entry == Entry::Fresh => ("Slot::read", At::Drop),
            At::ReadAgain => ("Slot::read", At::Fetch),
            At::Fetch => {
                let mut failed = next.clone();
                failed.at[process] = At::Drop;
                next.at[process] = At::Write;
                return vec![("Plan::fetch: fails", failed), ("Plan::fetch", next)];
            }
            At::Write => {
                next.temporaries[process] = true;
                ("CacheDir::temporary", At::Rename)
            }
            At::Rename => {
                next.temporaries[process] = false;
                next.entry = Entry::Fresh;
                ("CacheDir::write", At::Drop)
            }
            At::Useless if state.entry == Entry::Fresh => ("sweep_entry", At::Ended),
            At::Useless => ("sweep_entry", At::OpenLock),
            At::UselessAgain if state.entry == Entry::Fresh && self.useless_again => {
                ("sweep_entry: useful now", At::Drop)
            }
            At::UselessAgain => ("sweep_entry: useless", At::RemoveEntry),
            At::RemoveEntry => {
                next.fresh_removed |= state.entry == Entry::Fresh;
                next.entry = Entry::Missing;
                ("CacheDir::remove(entry)", At::RemoveLock)
            }
            At::RemoveLock => {
                next.named = None;
                ("CacheDir::remove(lock)", At::Drop)
            }
            At::Drop => {
                next.holders[file] = None;
                ("EntryLock::drop", At::Ended)
            }
            At::Ended | At::Killed => return Vec::new(),
        };
        next.at[process] = then;
        vec![(name, next)]
    }

    fn kill(&self, state: &State, process: usize) -> State {
        let mut next = state.clone();
        next.at[process] = At::Killed;
        for holder in &mut next.holders {
            *holder = holder.filter(|holder| *holder != process);
        }
        next
    }

    fn wrong(&self, state: &State) -> Option<&'static str> {
        let fetching = |at: &&At| matches!(at, At::Fetch | At::Write | At::Rename);
        let mut processes = state.at.iter().zip(state.temporaries);
        if state.at.iter().filter(fetching).count() > 1 {
            Some("two processes fetch")
        } else if state.fresh_removed {
            Some("a sweep removes a fresh entry")
        } else if processes.any(|(at, left)| left && !matches!(at, At::Rename | At::Killed)) {
            Some("a process that was not killed leaves a temporary file")
        } else {
            None
        }
    }
}

#[test]
fn one_process_fetches_an_entry_and_a_sweep_removes_no_fresh_one() {
    for fetches in [1, 2, 3] {
        let states = explore(&CacheEntry { fetches, ..SOUND }).expect("sound");
        assert!(states > 1_000, "only {states} states");
    }
}

#[test]
fn a_lock_on_a_file_that_lost_its_name_is_found_to_be_none() {
    let found = explore(&CacheEntry {
        is_current: false,
        ..SOUND
    });
    let steps = found.expect_err("a counterexample");
    assert!(steps.ends_with("two processes fetch"), "{steps}");
}

#[test]
fn a_sweep_that_does_not_look_again_under_the_lock_removes_a_fresh_entry() {
    let found = explore(&CacheEntry {
        useless_again: false,
        ..SOUND
    });
    let steps = found.expect_err("a counterexample");
    assert!(steps.ends_with("removes a fresh entry"), "{steps}");
}
