//! The image store (`crates/registry/src/store`): two pulls of one blob under one name, and a third process that
//! sweeps, or removes another name and then the blobs of no image.
//!
//! The first pull wants the whole index under the name, the second one image of it, which keeps a whole index
//! (`pull/name_entry.rs`). The blob has two bytes, and a dead process has left the first.

use super::explore::{Protocol, explore};

#[derive(Clone, Copy)]
struct Store {
    third: Third,
    /// The guards.
    same_file: bool,
    sweep_locks: bool,
    young_stays: bool,
    index_lock: bool,
    entry_under_lock: bool,
    use_lock: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Third {
    Sweeps,
    RemovesName,
}

const SOUND: Store = Store {
    third: Third::Sweeps,
    same_file: true,
    sweep_locks: true,
    young_stays: true,
    index_lock: true,
    entry_under_lock: true,
    use_lock: true,
};

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Name {
    Part,
    Blob,
    Gone,
}

/// A file that is or was below `ingest`.
#[derive(Clone, PartialEq, Eq, Hash)]
struct File {
    name: Name,
    length: u8,
    holder: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd)]
enum Tag {
    Missing,
    Image,
    Index,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Index {
    name: Tag,
    other: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum At {
    UseShared,
    HasBlob,
    TakeOver,
    LockAbandoned,
    SameFile,
    Create,
    Lock,
    HasBlobNow,
    Write,
    Publish,
    Close,
    Set,
    LockIndex,
    ReadIndex,
    WriteIndex,
    UnlockIndex,
    UseAlone,
    StoredImages,
    RemoveBlobs,
    Sweep,
    SweepFile,
    SweepSameFile,
    RemoveFile,
    Ended,
    Killed,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct State {
    files: Vec<File>,
    index: Index,
    index_holder: Option<usize>,
    shared: [bool; 3],
    alone: bool,
    at: [At; 3],
    file: [usize; 3],
    /// The index as a process read it, or what it keeps.
    read: [Index; 3],
    wrong: Option<&'static str>,
}

impl State {
    fn has_blob(&self) -> bool {
        self.files.iter().any(|file| file.name == Name::Blob)
    }

    fn release(&mut self, process: usize) {
        for file in &mut self.files {
            file.holder = file.holder.filter(|holder| *holder != process);
        }
    }
}

/// The entry that a pull wants: `name_entry::of`.
fn entry(process: usize, named: Tag) -> Tag {
    if process == 0 || named == Tag::Index {
        Tag::Index
    } else {
        Tag::Image
    }
}

impl Store {
    /// The next step of a process in the index: [`At::Set`] for a pull, [`At::LockIndex`] for `untag`.
    fn index_step(&self, state: &State, process: usize, next: &mut State) -> (&'static str, At) {
        let pulls = process < 2;
        match state.at[process] {
            At::Set => {
                next.read[process] = state.index;
                if state.index.name == entry(process, state.index.name) {
                    next.shared[process] = false;
                    return ("IndexFile::set: present", At::Ended);
                }
                ("IndexFile::set", At::LockIndex)
            }
            At::LockIndex => {
                next.index_holder = Some(process).filter(|_| self.index_lock);
                ("IndexFile::lock", At::ReadIndex)
            }
            At::ReadIndex => {
                let early = state.read[process].name;
                next.read[process] = state.index;
                if pulls {
                    let named = if self.entry_under_lock {
                        state.index.name
                    } else {
                        early
                    };
                    next.read[process].name = entry(process, named);
                } else {
                    next.read[process].other = false;
                }
                ("IndexFile::read", At::WriteIndex)
            }
            At::WriteIndex => {
                next.index = state.read[process];
                ("IndexFile::write", At::UnlockIndex)
            }
            _ => {
                next.index_holder = state.index_holder.filter(|holder| *holder != process);
                next.shared[process] = false;
                let then = if pulls { At::Ended } else { At::UseAlone };
                ("IndexFile::lock dropped", then)
            }
        }
    }

    /// The next step of `collect_garbage`.
    fn garbage_step(&self, state: &State, process: usize, next: &mut State) -> (&'static str, At) {
        match state.at[process] {
            At::UseAlone if self.use_lock && state.shared.contains(&true) => {
                ("usage::alone: in use", At::Ended)
            }
            At::UseAlone => {
                next.alone = self.use_lock;
                ("usage::alone", At::StoredImages)
            }
            At::StoredImages => {
                next.read[process] = state.index;
                ("StoredImage::all", At::RemoveBlobs)
            }
            _ => {
                let kept = state.read[process];
                for file in &mut next.files {
                    if file.name == Name::Blob && kept.name == Tag::Missing && !kept.other {
                        file.name = Name::Gone;
                    }
                }
                next.alone = false;
                ("Layout::remove_blobs", At::Ended)
            }
        }
    }
}

impl Protocol for Store {
    type State = State;

    fn starts(&self) -> Vec<State> {
        let third = match self.third {
            Third::Sweeps => At::Sweep,
            Third::RemovesName => At::LockIndex,
        };
        let left = File {
            name: Name::Part,
            length: 1,
            holder: None,
        };
        let blob = File {
            name: Name::Blob,
            length: 2,
            holder: None,
        };
        let start = |(files, other)| State {
            files,
            index: Index {
                name: Tag::Missing,
                other,
            },
            index_holder: None,
            shared: [false; 3],
            alone: false,
            at: [At::UseShared, At::UseShared, third],
            file: [0; 3],
            read: [Index {
                name: Tag::Missing,
                other,
            }; 3],
            wrong: None,
        };
        let starts = [(vec![left], false), (vec![blob], true)];
        starts.map(start).into()
    }

    fn processes(&self) -> usize {
        3
    }

    fn has_ended(&self, state: &State, process: usize) -> bool {
        matches!(state.at[process], At::Ended | At::Killed)
    }

    fn steps(&self, state: &State, process: usize) -> Vec<(&'static str, State)> {
        let mut next = state.clone();
        let own = state.file[process];
        let file = state.files[own].clone();
        let (name, then) = match state.at[process] {
            At::UseShared if state.alone => return Vec::new(),
            At::UseShared => {
                next.shared[process] = self.use_lock;
                ("usage::shared", At::HasBlob)
            }
            At::HasBlob if state.has_blob() => ("Layout::has_blob", At::Set),
            At::HasBlob => ("Layout::has_blob: no", At::TakeOver),
            At::TakeOver | At::Sweep => {
                let sweeps = state.at[process] == At::Sweep;
                let (name, found, none) = if sweeps {
                    ("ingest::sweep", At::SweepFile, At::Ended)
                } else {
                    ("Temporary::take_over", At::LockAbandoned, At::Create)
                };
                next.at[process] = none;
                let mut all = vec![(name, next)];
                for (number, file) in state.files.iter().enumerate() {
                    let may_be_young = file.length == 0 && (self.young_stays || !sweeps);
                    if file.name == Name::Part && !may_be_young {
                        let mut next = state.clone();
                        next.file[process] = number;
                        next.at[process] = found;
                        if sweeps && !self.sweep_locks {
                            next.at[process] = At::RemoveFile;
                        }
                        all.push((name, next));
                    }
                }
                return all;
            }
            At::LockAbandoned if file.holder.is_some() => ("lock_abandoned: held", At::Create),
            At::SweepFile if file.holder.is_some() => ("lock_abandoned: held", At::Ended),
            At::LockAbandoned | At::SweepFile => {
                next.files[own].holder = Some(process);
                let then = match state.at[process] {
                    At::SweepFile => At::SweepSameFile,
                    _ => At::SameFile,
                };
                ("lock_abandoned", then)
            }
            At::SameFile if file.name == Name::Part || !self.same_file => {
                ("lock_abandoned: is_same", At::HasBlobNow)
            }
            At::SameFile => {
                next.release(process);
                ("lock_abandoned: not is_same", At::Create)
            }
            At::Create => {
                next.file[process] = state.files.len();
                next.files.push(File {
                    name: Name::Part,
                    length: 0,
                    holder: None,
                });
                ("Temporary::create", At::Lock)
            }
            At::Lock if file.holder.is_some() => return Vec::new(),
            At::Lock => {
                next.files[own].holder = Some(process);
                ("Temporary::create: lock", At::HasBlobNow)
            }
            At::HasBlobNow if state.has_blob() => {
                if file.name == Name::Part && file.length == 0 {
                    next.files[own].name = Name::Gone;
                }
                next.release(process);
                ("Transfer::claim: has_blob", At::Set)
            }
            At::HasBlobNow if file.length == 2 => ("Transfer::claim", At::Publish),
            At::HasBlobNow => ("Transfer::claim", At::Write),
            At::Write => {
                next.files[own].length += 1;
                if file.name == Name::Blob || file.length == 2 {
                    next.wrong = Some("a blob is written to that is whole");
                }
                let then = if file.length == 0 {
                    At::Write
                } else {
                    At::Publish
                };
                ("Temporary::write", then)
            }
            At::Publish => {
                if file.name != Name::Part {
                    next.wrong = Some("the file that a pull wrote is gone");
                }
                for file in &mut next.files {
                    if file.name == Name::Blob {
                        file.name = Name::Gone;
                    }
                }
                next.files[own].name = Name::Blob;
                ("Temporary::publish", At::Close)
            }
            At::Close => {
                next.release(process);
                ("Temporary::drop", At::Set)
            }
            At::LockIndex if state.index_holder.is_some() => return Vec::new(),
            At::Set | At::LockIndex | At::ReadIndex | At::WriteIndex | At::UnlockIndex => {
                self.index_step(state, process, &mut next)
            }
            At::UseAlone | At::StoredImages | At::RemoveBlobs => {
                self.garbage_step(state, process, &mut next)
            }
            At::SweepSameFile if file.name == Name::Part => {
                ("lock_abandoned: is_same", At::RemoveFile)
            }
            At::SweepSameFile => {
                next.release(process);
                ("lock_abandoned: not is_same", At::Ended)
            }
            At::RemoveFile => {
                if file.name == Name::Part {
                    next.files[own].name = Name::Gone;
                }
                next.release(process);
                ("remove_abandoned", At::Ended)
            }
            At::Ended | At::Killed => return Vec::new(),
        };
        next.at[process] = then;
        vec![(name, next)]
    }

    fn kill(&self, state: &State, process: usize) -> State {
        let mut next = state.clone();
        next.release(process);
        next.index_holder = state.index_holder.filter(|holder| *holder != process);
        next.shared[process] = false;
        next.alone &= process != 2;
        next.at[process] = At::Killed;
        next
    }

    fn wrong(&self, state: &State) -> Option<&'static str> {
        let Index { name, other } = state.index;
        let mut files = state.files.iter();
        let ended = |process| state.at[process] == At::Ended;
        let all_ended = (0..3).all(|process| self.has_ended(state, process));
        if state.wrong.is_some() {
            state.wrong
        } else if files.any(|file| file.name == Name::Blob && file.length != 2) {
            Some("a blob is not whole")
        } else if (other || name != Tag::Missing) && !state.has_blob() {
            Some("a name has no blob")
        } else if (ended(0) && name != Tag::Index) || (ended(1) && name == Tag::Missing) {
            Some("the name of a pull is lost")
        } else if ended(2) && self.third == Third::RemovesName && other {
            Some("a name that was removed is there again")
        } else if all_ended && state.files.iter().any(|file| file.holder.is_some()) {
            Some("what was left is locked: no sweep removes it")
        } else {
            None
        }
    }
}

fn counterexample(store: Store) -> String {
    explore(&store).expect_err("a counterexample")
}

#[test]
fn pulls_sweeps_and_removals_keep_whole_blobs_and_every_name() {
    for third in [Third::Sweeps, Third::RemovesName] {
        let states = explore(&Store { third, ..SOUND }).expect("sound");
        assert!(states > 10_000, "only {states} states");
    }
}

#[test]
fn without_one_guard_a_pull_loses_its_file() {
    for store in [
        Store {
            same_file: false,
            ..SOUND
        },
        Store {
            sweep_locks: false,
            ..SOUND
        },
        Store {
            young_stays: false,
            ..SOUND
        },
    ] {
        let steps = counterexample(store);
        assert!(
            steps.ends_with("the file that a pull wrote is gone"),
            "{steps}"
        );
    }
}

#[test]
fn without_one_lock_a_name_or_its_blob_is_lost() {
    let third = Third::RemovesName;
    let steps = counterexample(Store {
        third,
        use_lock: false,
        ..SOUND
    });
    assert!(steps.ends_with("a name has no blob"), "{steps}");
    let steps = counterexample(Store {
        third,
        index_lock: false,
        ..SOUND
    });
    assert!(
        steps.contains("a name that was removed") || steps.ends_with("is lost"),
        "{steps}"
    );
}

#[test]
fn an_entry_that_is_chosen_before_the_lock_replaces_a_whole_index() {
    let steps = counterexample(Store {
        entry_under_lock: false,
        ..SOUND
    });
    assert!(steps.ends_with("the name of a pull is lost"), "{steps}");
}
