//! The connections of a pull: one for each blob that is fetched, and those that no blob needs.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Counts connections.
pub(super) struct Connections {
    free: Arc<Semaphore>,
    /// Blobs whose turn has not come.
    waiting: AtomicUsize,
}

/// A connection, until it is dropped.
pub(super) struct Connection {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Connections {
    /// For so many blobs, of which `streams` are fetched at the same time. Who wants them one at a time
    /// wants one connection.
    pub(super) fn new(streams: NonZeroUsize, blobs: usize) -> Self {
        let most = match streams.get() {
            1 => 1,
            streams => streams.max(MOST_CONNECTIONS),
        };
        Self {
            free: Arc::new(Semaphore::new(most)),
            waiting: AtomicUsize::new(blobs),
        }
    }

    /// Notes that the turn of a blob has come.
    pub(super) fn begin(&self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    /// A blob's own connection; waits until one is free.
    pub(super) async fn own(&self) -> Connection {
        let permit = Arc::clone(&self.free).acquire_owned().await;
        Connection {
            _permit: permit.ok(),
        }
    }

    /// One more connection for a blob; `None` as long as another blob waits for its turn.
    pub(super) fn spare(&self) -> Option<Connection> {
        if self.waiting.load(Ordering::Relaxed) > 0 {
            return None;
        }
        let permit = Arc::clone(&self.free).try_acquire_owned().ok()?;
        Some(Connection {
            _permit: Some(permit),
        })
    }
}

/// Connections of one pull; skopeo opens as many for an image.
const MOST_CONNECTIONS: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    fn streams(count: usize) -> NonZeroUsize {
        NonZeroUsize::new(count).expect("one at least")
    }

    #[tokio::test]
    async fn a_connection_is_spare_when_no_blob_waits() {
        let connections = Connections::new(streams(4), 5);
        let mut own = Vec::new();
        for _ in 0..4 {
            connections.begin();
            own.push(connections.own().await);
        }
        assert!(connections.spare().is_none(), "the fifth blob waits");
        own.pop();
        connections.begin();
        own.push(connections.own().await);
        let spare: Vec<_> = std::iter::from_fn(|| connections.spare()).collect();
        assert_eq!(spare.len(), 2);
        own.pop();
        assert!(connections.spare().is_some());
    }

    #[tokio::test]
    async fn one_stream_at_a_time_is_one_connection() {
        let connections = Connections::new(streams(1), 1);
        connections.begin();
        let _own = connections.own().await;
        assert!(connections.spare().is_none());
    }
}
