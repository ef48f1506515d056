//! The objects of a target that lack a login.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

/// Objects in which some registry has no login that is known to be valid: pods that need it fail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lacking {
    pub(crate) count: usize,
    /// The first of their namespaces, in order.
    pub(crate) namespaces: BTreeSet<Arc<str>>,
    /// Whether there are more namespaces than these.
    pub(crate) has_more: bool,
    /// Since when the first of them lacks it.
    pub(crate) since: Option<DateTime<Utc>>,
}

impl Lacking {
    /// One more object.
    pub(crate) fn add(&mut self, namespace: Arc<str>, since: DateTime<Utc>) {
        self.count += 1;
        self.since = Some(self.since.map_or(since, |known| known.min(since)));
        self.namespaces.insert(namespace);
        if self.namespaces.len() > NAMED {
            self.namespaces.pop_last();
            self.has_more = true;
        }
    }
}

/// The page is for people: a list of thousands is of no use there.
const NAMED: usize = 12;
