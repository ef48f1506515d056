//! The entries of the cache, for people, and their removal.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, RandomState};

use chrono::{DateTime, TimeDelta, Utc};

use crate::dir::{CacheDir, ENTRY, LOCK, TMP};
use crate::entry::Entry;
use crate::lock::{Attempt, EntryLock};

/// An entry without its secrets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListedEntry {
    /// The provider that issued it.
    pub provider: String,
    /// The registries it is for, in `matchImages` syntax, each with the user name; empty when the
    /// answer has no credentials.
    pub logins: Vec<(String, String)>,
    /// When it was fetched.
    pub issued_at: DateTime<Utc>,
    /// When it expires.
    pub expires_at: DateTime<Utc>,
}

impl CacheDir {
    /// Every readable entry, sorted by provider and registry; expired ones too.
    #[must_use]
    pub fn list(&self) -> Vec<ListedEntry> {
        let mut listed: Vec<_> = self
            .own_names()
            .filter_map(|name| {
                let (provider, entry) = self.entry(&name)?;
                let logins = entry.issued.auth.into_iter();
                Some(ListedEntry {
                    provider,
                    logins: logins.map(|(p, login)| (p, login.username)).collect(),
                    issued_at: entry.issued_at,
                    expires_at: entry.expires_at,
                })
            })
            .collect();
        listed.sort();
        listed
    }

    /// Removes every entry; returns their number. Locks in use and foreign files stay.
    #[must_use]
    pub fn clear(&self) -> usize {
        let mut cleared = 0;
        for name in self.own_names() {
            if name.ends_with(ENTRY) {
                cleared += usize::from(self.remove(&name));
            } else if name.ends_with(TMP) {
                self.remove(&name);
            } else if let Attempt::Held(_lock) = EntryLock::attempt(self, &name) {
                self.remove(&name);
            }
        }
        cleared
    }

    /// Removes expired entries with their locks, entries that this version cannot read, locks of
    /// fetches that stored nothing, and the files of killed writers. Of many files it looks at some, other
    /// ones each time: more than a store adds, and no more than a store has time for.
    pub(crate) fn sweep(&self, now: DateTime<Utc>) {
        let before = (now - LEFT_BEHIND).timestamp();
        let is_old = |name: &str| self.modified(name).is_some_and(|at| at < before);
        for (_, name) in &self.some_names() {
            if let Some(hash) = name.strip_suffix(ENTRY) {
                self.sweep_entry(name, &format!("{hash}{LOCK}"), now, is_old(name));
            } else if let Some(hash) = name.strip_suffix(LOCK) {
                if self.modified(&format!("{hash}{ENTRY}")).is_none()
                    && is_old(name)
                    && let Attempt::Held(_lock) = EntryLock::attempt(self, name)
                {
                    self.remove(name);
                }
            } else if is_old(name) {
                self.remove(name);
            }
        }
    }

    /// Of the first names of the directory those that follow a random one, first those after it and then those before.
    fn some_names(&self) -> BTreeSet<(bool, String)> {
        let start = format!("{:016x}", RandomState::new().hash_one(()));
        let mut some = BTreeSet::new();
        for name in self.own_names().take(MOST_READ) {
            let place = (name < start, name);
            if some.len() < SWEPT {
                some.insert(place);
            } else if some.last() > Some(&place) {
                some.pop_last();
                some.insert(place);
            }
        }
        some
    }

    fn sweep_entry(&self, name: &str, lock: &str, now: DateTime<Utc>, is_old: bool) {
        // Another version wrote it, or it is damaged: it holds a login and would never expire.
        let useless = |name| match self.entry(name) {
            Some((_, entry)) => entry.expires_at <= now,
            None => is_old,
        };
        if useless(name)
            && let Attempt::Held(_lock) = EntryLock::attempt(self, lock)
            && useless(name)
        {
            self.remove(name);
            self.remove(lock);
        }
    }

    fn entry(&self, name: &str) -> Option<(String, Entry)> {
        let hash = name.strip_suffix(ENTRY)?;
        Entry::decode_any(&self.read(name)?, hash)
    }
}

/// How many files a store looks at.
const SWEPT: usize = 16;
/// How many names it reads for that. Those after them have their turn when these have expired and are removed.
const MOST_READ: usize = 192;
/// No write and no fetch takes this long, and no failure is shared for it.
const LEFT_BEHIND: TimeDelta = TimeDelta::minutes(10);
