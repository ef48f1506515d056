//! One pause for each host that asked to slow down, so that parallel requests do not hammer it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use url::Origin;

/// Until when each host is left alone. Shared by all clones of a client.
#[derive(Debug, Default)]
pub(crate) struct Pauses(Mutex<HashMap<Origin, Instant>>);

impl Pauses {
    /// Leaves the host alone for the duration; a longer pause that runs already stays.
    pub(crate) fn extend(&self, host: Origin, pause: Duration) {
        let Some(until) = Instant::now().checked_add(pause) else {
            return;
        };
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = hosts.entry(host).or_insert(until);
        *entry = until.max(*entry);
    }

    /// The end of the host's pause, if it is still to come.
    pub(crate) fn until(&self, host: &Origin) -> Option<Instant> {
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let until = *hosts.get(host)?;
        if until <= Instant::now() {
            hosts.remove(host);
            return None;
        }
        Some(until)
    }
}
