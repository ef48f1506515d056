//! The place of one answer in the cache: its entry file and its lock file.

use std::time::Duration;

use chrono::{DateTime, Utc};
use regcred_core::{CacheKey, Issued, hex};
use sha2::{Digest as _, Sha256};

use crate::dir::{CacheDir, ENTRY, LOCK};
use crate::entry::{Entry, State};
use crate::lock::{Attempt, EntryLock};

/// Where the answer to one key lives.
#[derive(Clone, Debug)]
pub(crate) struct Slot<'a> {
    dir: &'a CacheDir,
    provider: &'static str,
    hash: String,
}

impl<'a> Slot<'a> {
    /// The slot of a provider's key; its name reveals neither.
    pub(crate) fn new(dir: &'a CacheDir, provider: &'static str, key: &CacheKey) -> Self {
        let mut digest = Sha256::new();
        digest.update(provider);
        digest.update([0]);
        digest.update(key.as_str());
        Self {
            dir,
            provider,
            hash: hex(digest.finalize()),
        }
    }

    /// The entry and its state, unless it is spent, missing or unreadable.
    pub(crate) fn read(&self, now: DateTime<Utc>) -> Option<(Entry, State)> {
        let bytes = self.dir.read(&self.entry_name())?;
        let Some(entry) = Entry::decode(&bytes, self.provider, &self.hash) else {
            tracing::debug!("ignoring a malformed cache entry of {}", self.provider);
            return None;
        };
        let state = entry.state(now);
        (state != State::Spent).then_some((entry, state))
    }

    /// Stores the answer if it has an expiry.
    pub(crate) fn store(&self, issued: &Issued, now: DateTime<Utc>) {
        let Some(bytes) =
            Entry::new(issued, now).and_then(|entry| entry.encode(self.provider, &self.hash))
        else {
            return;
        };
        if let Err(error) = self.dir.write(&self.entry_name(), &bytes) {
            tracing::debug!("cannot write a cache entry: {error}");
            return;
        }
        self.dir.sweep(now);
    }

    pub(crate) fn attempt(&self) -> Attempt {
        EntryLock::attempt(self.dir, &self.lock_name())
    }

    pub(crate) async fn wait(&self, limit: Duration) -> Option<EntryLock> {
        EntryLock::wait(self.dir, &self.lock_name(), limit).await
    }

    fn entry_name(&self) -> String {
        format!("{}{ENTRY}", self.hash)
    }

    fn lock_name(&self) -> String {
        format!("{}{LOCK}", self.hash)
    }
}
