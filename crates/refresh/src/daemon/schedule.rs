//! When each object is due, and what is remembered of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::backoff::pause;
use crate::life::delta;
use crate::plan::Plan;
use crate::refresher::LastSeen;
use crate::status::Summary;

/// An object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Key {
    /// A plan's Secret in a namespace.
    Secret(usize, Arc<str>),
    /// A plan's file.
    File(usize),
}

impl Key {
    /// Its namespace; empty for a file.
    fn namespace(&self) -> Arc<str> {
        match self {
            Self::Secret(_, namespace) => Arc::clone(namespace),
            Self::File(_) => Arc::from(""),
        }
    }

    /// The object's target and its sources.
    fn origin<'a>(&self, plan: &'a Plan) -> (&'a str, &'a [usize]) {
        match self {
            Self::Secret(place, _) => {
                let secret = &plan.secrets[*place];
                (&secret.target, &secret.sources)
            }
            Self::File(place) => (&plan.files[*place].target, &plan.files[*place].sources),
        }
    }
}

/// All objects, by time.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    due: BTreeSet<(DateTime<Utc>, u64, Key)>,
    entries: HashMap<Key, Entry>,
    counter: u64,
}

#[derive(Debug, Default)]
struct Entry {
    queued: Option<(DateTime<Utc>, u64)>,
    running: bool,
    /// It came up again while it was being processed.
    again: bool,
    /// The version that a watch reported while it was being processed.
    noticed: Option<String>,
    /// Whether a watch has reported that it exists.
    reported: bool,
    seen: Option<LastSeen>,
    failures: u32,
    served: bool,
    good: bool,
    /// Since when it lacks a login that is known to be valid.
    lacking_since: Option<DateTime<Utc>>,
    /// The time at which its turns at the front are paid for: see [`Entry::turn`].
    paid: DateTime<Utc>,
}

impl Entry {
    /// Notes since when one of these sources has no login here that is known to be valid, if so.
    fn look_for_lacks(&mut self, sources: &[usize], now: DateTime<Utc>) {
        let lives = self.seen.as_ref().map(|seen| &seen.lives);
        let life = |source: &usize| lives.and_then(|lives| lives.of(*source));
        let ends = sources.iter().filter_map(|source| life(source)?.expires);
        let ended = ends.filter(|end| *end <= now).min();
        let is_missing = !self.good && sources.iter().any(|source| life(source).is_none());
        self.lacking_since = if self.served && (ended.is_some() || is_missing) {
            self.lacking_since.or(ended).or(Some(now))
        } else {
            None
        };
    }

    /// When it is due that is moved to the front: at once, and before those that were moved there more often;
    /// but after [`TURNS`] of them, one in each [`EACH`], in its order among the others. Whoever edits without
    /// pause must not keep them from theirs.
    fn turn(&mut self, now: DateTime<Utc>) -> DateTime<Utc> {
        // A clock that was set back must not make the wait longer than it was meant to be.
        self.paid = self.paid.clamp(now, now + EACH * TURNS) + EACH;
        let (owed, most) = (self.paid - now, EACH * TURNS);
        if owed <= most {
            DateTime::UNIX_EPOCH + owed
        } else {
            now + (owed - most)
        }
    }

    /// Whether this version is not what was seen last; the object is read again then.
    fn is_news(&mut self, version: &str) -> bool {
        let seen = self.seen.as_mut();
        let seen = seen.filter(|seen| seen.version != version && !seen.restored);
        seen.map(|seen| seen.check_at = DateTime::UNIX_EPOCH)
            .is_some()
    }
}

impl Schedule {
    /// Adds an object that is due at a time; an earlier time stays.
    pub(super) fn add(&mut self, key: &Key, at: DateTime<Utc>) {
        let entry = self.entries.entry(key.clone()).or_default();
        if entry.running {
            entry.again = true;
            return;
        }
        match entry.queued {
            Some((known, _)) if known <= at => {}
            _ => self.queue(key, Some(at)),
        }
    }

    /// Moves an object to the front, unless it has had its turns there.
    pub(super) fn first(&mut self, key: &Key, now: DateTime<Utc>) {
        let entry = self.entries.entry(key.clone()).or_default();
        if entry.running {
            entry.again = true;
        } else if entry.queued.is_none_or(|(at, _)| at > now) {
            let at = entry.turn(now);
            self.add(key, at);
        }
    }

    /// The next object that is due, with what is remembered of it.
    pub(super) fn take(&mut self, now: DateTime<Utc>) -> Option<(Key, Option<LastSeen>)> {
        let (at, ..) = self.due.first()?;
        if *at > now {
            return None;
        }
        let (_, _, key) = self.due.pop_first()?;
        let entry = self.entries.get_mut(&key)?;
        entry.queued = None;
        entry.running = true;
        entry.again = false;
        entry.noticed = None;
        Some((key, entry.seen.clone()))
    }

    /// Ends the work on an object.
    pub(super) fn done(
        &mut self,
        key: &Key,
        seen: Option<LastSeen>,
        at: Option<DateTime<Utc>>,
        good: bool,
        now: DateTime<Utc>,
    ) {
        // Removed in the meantime.
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        entry.running = false;
        entry.served = true;
        entry.good = good;
        entry.seen = seen;
        if good {
            entry.failures = 0;
        }
        let noticed = entry.noticed.take();
        let again = noticed.is_some_and(|version| entry.is_news(&version)) || entry.again;
        let again = again.then(|| entry.turn(now));
        self.queue(key, again.into_iter().chain(at).min());
    }

    /// How long to wait after one more failure, at most.
    pub(super) fn pause(&mut self, key: &Key, cap: Duration) -> TimeDelta {
        let failures = self.entries.get_mut(key).map_or(1, |entry| {
            entry.failures += 1;
            entry.failures
        });
        delta(pause(failures, Duration::from_secs(1), cap))
    }

    /// Takes in a Secret's version that a watch reported; empty if the Secret was deleted.
    pub(super) fn noticed(&mut self, key: &Key, version: &str, now: DateTime<Utc>) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        entry.reported = !version.is_empty();
        if entry.running {
            entry.noticed = Some(version.to_owned());
            return;
        }
        if entry.is_news(version) {
            self.first(key, now);
        }
    }

    /// A list of the Secrets of a name, in one namespace or all, is complete. One of ours that is not in
    /// it was made after the list, or was deleted before it, and no watch will report that: it is
    /// checked.
    pub(super) fn listed(
        &mut self,
        plan: &Plan,
        (place, name): (Option<&str>, &str),
        now: DateTime<Utc>,
    ) {
        let concerns = |key: &Key| match key {
            Key::Secret(at, namespace) => {
                place.is_none_or(|place| **namespace == *place)
                    && plan.secrets[*at].name_in(namespace) == name
            }
            Key::File(_) => false,
        };
        let unreported = |key: &Key, entry: &Entry| {
            !entry.reported && (entry.running || entry.seen.is_some()) && concerns(key)
        };
        for key in self.keys(unreported) {
            self.noticed(&key, "", now);
        }
    }

    /// Makes everything due that these sources feed.
    pub(super) fn renew(&mut self, plan: &Plan, sources: &[usize], now: DateTime<Utc>) {
        let is_fed = |key: &Key, _: &Entry| {
            let (_, own) = key.origin(plan);
            own.iter().any(|source| sources.contains(source))
        };
        for key in self.keys(is_fed) {
            if let Some(seen) = self.entries.get_mut(&key).and_then(|e| e.seen.as_mut()) {
                seen.lives.0.retain(|(source, _)| !sources.contains(source));
            }
            self.add(&key, now);
        }
    }

    /// Forgets what is remembered, and makes everything due.
    pub(super) fn forget_all(&mut self, now: DateTime<Utc>) {
        for entry in self.entries.values_mut() {
            entry.seen = None;
            entry.failures = 0;
        }
        for key in self.keys(|_, _| true) {
            self.add(&key, now);
        }
    }

    pub(super) fn remove(&mut self, key: &Key) {
        if let Some(entry) = self.entries.remove(key)
            && let Some((at, count)) = entry.queued
        {
            self.due.remove(&(at, count, key.clone()));
        }
    }

    pub(super) fn remove_namespace(&mut self, name: &str) {
        let of = |key: &Key| matches!(key, Key::Secret(_, namespace) if **namespace == *name);
        for key in self.keys(|key, _| of(key)) {
            self.remove(&key);
        }
    }

    fn keys(&self, wanted: impl Fn(&Key, &Entry) -> bool) -> Vec<Key> {
        let wanted = self
            .entries
            .iter()
            .filter(|(key, entry)| wanted(key, entry));
        wanted.map(|(key, _)| key.clone()).collect()
    }

    /// When the next object is due.
    pub(super) fn next(&self) -> Option<DateTime<Utc>> {
        self.due.first().map(|(at, ..)| *at)
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether every object has been processed at least once.
    pub(super) fn is_served(&self) -> bool {
        self.entries.values().all(|entry| entry.served)
    }

    /// Counts of the objects of each target.
    pub(super) fn summaries<'a>(
        &mut self,
        plan: &'a Plan,
        now: DateTime<Utc>,
    ) -> BTreeMap<&'a str, Summary> {
        let mut all: BTreeMap<&str, Summary> = BTreeMap::new();
        for (key, entry) in &mut self.entries {
            let (target, sources) = key.origin(plan);
            let summary = all.entry(target).or_default();
            entry.look_for_lacks(sources, now);
            if let Some(since) = entry.lacking_since {
                summary.lacking.add(key.namespace(), since);
            }
            let seen = entry.seen.as_ref();
            let end = seen.and_then(|seen| seen.lives.expires());
            summary.endless |= end.is_none() && seen.is_some_and(|seen| !seen.lives.0.is_empty());
            match (entry.served, entry.good && end.is_none_or(|end| end > now)) {
                (false, _) => summary.waiting += 1,
                (true, true) => summary.good += 1,
                (true, false) => summary.failing += 1,
            }
            summary.expires = [summary.expires, end].into_iter().flatten().min();
            let holds = end.filter(|end| *end > now && entry.lacking_since.is_none());
            summary.holds_until = [summary.holds_until, holds].into_iter().flatten().min();
        }
        all
    }

    fn queue(&mut self, key: &Key, at: Option<DateTime<Utc>>) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        if let Some((at, count)) = entry.queued.take() {
            self.due.remove(&(at, count, key.clone()));
        }
        if let Some(at) = at {
            self.counter += 1;
            entry.queued = Some((at, self.counter));
            self.due.insert((at, self.counter, key.clone()));
        }
    }
}

/// How often an object comes to the front at once, and how often after that.
const TURNS: i32 = 10;
const EACH: TimeDelta = TimeDelta::seconds(20);

#[cfg(test)]
mod tests;
