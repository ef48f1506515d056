//! The entries of the cache, for people, and their removal.

use std::collections::BTreeSet;

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
            .iter()
            .filter_map(|name| {
                let (provider, entry) = self.entry(name)?;
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
        let names = self.own_names();
        let cleared = names
            .iter()
            .filter(|name| name.ends_with(ENTRY) && self.remove(name))
            .count();
        for name in &names {
            if name.ends_with(TMP) {
                self.remove(name);
            }
            if name.ends_with(LOCK)
                && let Attempt::Held(_lock) = EntryLock::attempt(self, name)
            {
                self.remove(name);
            }
        }
        cleared
    }

    /// Removes expired entries with their locks, entries that this version cannot read, locks of
    /// fetches that stored nothing, and the files of killed writers.
    pub(crate) fn sweep(&self, now: DateTime<Utc>) {
        let before = (now - LEFT_BEHIND).timestamp();
        let is_old = |name: &str| self.modified(name).is_some_and(|at| at < before);
        let names: BTreeSet<String> = self.own_names().into_iter().collect();
        for name in &names {
            if let Some(hash) = name.strip_suffix(ENTRY) {
                self.sweep_entry(name, &format!("{hash}{LOCK}"), now, is_old(name));
            } else if let Some(hash) = name.strip_suffix(LOCK) {
                if !names.contains(&format!("{hash}{ENTRY}"))
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

/// No write and no fetch takes this long, and no failure is shared for it.
const LEFT_BEHIND: TimeDelta = TimeDelta::minutes(10);
