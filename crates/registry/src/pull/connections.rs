//! The connections of a pull: one for each blob that is fetched, and those that no blob needs.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Counts connections.
pub(super) struct Connections {
    /// One for each blob that is downloaded at the same time.
    own: Arc<Semaphore>,
    /// More, for parts of a blob.
    extra: Arc<Semaphore>,
    /// Places in memory for parts.
    places: Arc<Semaphore>,
    /// Blobs that wait for their own.
    waiting: AtomicUsize,
}

/// A connection, until it is dropped.
pub(super) struct Connection {
    _permit: Option<OwnedSemaphorePermit>,
}

/// What a part of a blob needs.
pub(super) struct Spare {
    pub(super) connection: Connection,
    pub(super) place: Place,
}

/// A place in memory, until it is dropped.
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
}

/// A blob that waits for its own connection, until this is dropped.
pub(super) struct Waiting<'a>(&'a Connections);

impl Connections {
    /// For `streams` blobs at the same time. Who wants them one at a time wants one connection.
    pub(super) fn new(streams: NonZeroUsize) -> Self {
        let own = streams.get();
        let extra = match own {
            1 => 0,
            own => MOST_CONNECTIONS.saturating_sub(own),
        };
        Self {
            own: Arc::new(Semaphore::new(own)),
            extra: Arc::new(Semaphore::new(extra)),
            places: Arc::new(Semaphore::new(MOST_PARTS)),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Counts a blob that is to be downloaded.
    pub(super) fn waiting(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(self)
    }

    /// A blob's own connection; waits until one is free.
    pub(super) async fn own(&self) -> Connection {
        let permit = Arc::clone(&self.own).acquire_owned().await;
        Connection {
            _permit: permit.ok(),
        }
    }

    /// One more connection for a blob; `None` as long as another waits for its own, or as many parts wait
    /// in memory as may.
    pub(super) fn spare(&self) -> Option<Spare> {
        if self.waiting.load(Ordering::Relaxed) > 0 {
            return None;
        }
        let free = |of: &Arc<Semaphore>| Arc::clone(of).try_acquire_owned().ok();
        let place = free(&self.places)?;
        let connection = free(&self.extra).or_else(|| free(&self.own))?;
        Some(Spare {
            connection: Connection {
                _permit: Some(connection),
            },
            place: Place { _permit: place },
        })
    }
}

impl<'a> Waiting<'a> {
    /// What it waits for.
    pub(super) fn connections(&self) -> &'a Connections {
        self.0
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Connections of one pull; skopeo opens as many for an image.
const MOST_CONNECTIONS: usize = 6;
/// Parts of one pull that are fetched, wait in memory or are written.
const MOST_PARTS: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    fn streams(count: usize) -> NonZeroUsize {
        NonZeroUsize::new(count).expect("one at least")
    }

    #[tokio::test]
    async fn a_connection_is_spare_when_no_blob_waits() {
        let connections = Connections::new(streams(4));
        let mut waiting: Vec<_> = (0..5).map(|_| connections.waiting()).collect();
        let mut own = Vec::new();
        for _ in 0..4 {
            own.push(connections.own().await);
            waiting.pop();
        }
        assert!(connections.spare().is_none(), "the fifth blob waits");
        own.pop();
        assert!(connections.spare().is_none(), "it is about to begin");
        own.push(connections.own().await);
        waiting.pop();
        let mut spare: Vec<_> = std::iter::from_fn(|| connections.spare()).collect();
        assert_eq!(spare.len(), 2);
        own.pop();
        assert!(connections.spare().is_some());

        // Parts that came before their turn keep their places.
        let places: Vec<_> = spare.drain(..).map(|spare| spare.place).collect();
        let more = std::iter::from_fn(|| Some(connections.spare()?.place));
        let more: Vec<_> = more.collect();
        assert_eq!((places.len(), more.len()), (2, 4));
    }

    #[tokio::test]
    async fn one_stream_at_a_time_is_one_connection() {
        let connections = Connections::new(streams(1));
        let _own = connections.own().await;
        assert!(connections.spare().is_none());
    }
}
