//! The progress of a pull or push, for progress bars, plain lines and JSON lines.

use std::time::Duration;

use regcred_core::ImageRef;
use tokio::time::Instant;

use crate::image::{Descriptor, Digest};

/// Receives the progress of a pull or push. Called on the thread that drives it, so it must not block.
pub trait Progress: Send + Sync {
    /// Receives one event.
    fn event(&self, event: TransferEvent<'_>);
}

/// One thing that happened in a pull or push.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum TransferEvent<'a> {
    /// The reference is resolved; every blob follows as [`TransferEvent::Blob`].
    Resolved {
        /// What was asked for.
        image: &'a ImageRef,
        /// The digest of the manifest or index under that name.
        digest: &'a Digest,
        /// How many blobs (configuration and layers, without repeats) the image has.
        blobs: usize,
        /// Their size in bytes, together.
        bytes: u64,
    },
    /// A blob changed its state or made progress.
    Blob {
        /// The blob; its size is the total of a download.
        descriptor: &'a Descriptor,
        /// Its new state.
        state: BlobState<'a>,
    },
}

/// The state of a blob in a running pull or push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BlobState<'a> {
    /// Without a stream as yet, or waiting for another process that downloads the same blob.
    Waiting,
    /// Already in the store, or in the repository that is pushed to.
    Exists,
    /// The store has its beginning from an interrupted pull; only the rest is downloaded.
    Resumed {
        /// Bytes in the store.
        done: u64,
    },
    /// Being downloaded; reported about ten times a second.
    Downloading {
        /// Bytes received so far.
        done: u64,
    },
    /// Being uploaded; reported about ten times a second.
    Uploading {
        /// Bytes sent so far.
        done: u64,
    },
    /// Mounted from another repository of the registry.
    Mounted,
    /// The stream broke; it continues at the same byte after a pause.
    Retrying {
        /// The number of the next attempt; the first retry is 2.
        attempt: u32,
        /// What broke, on one line, without secrets.
        reason: &'a str,
    },
    /// Verified, and in the store or repository.
    Done,
}

/// Ignores every event.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn event(&self, _event: TransferEvent<'_>) {}
}

/// Limits events to about ten a second.
#[derive(Debug, Default)]
pub(crate) struct Throttle(Option<Instant>);

impl Throttle {
    /// Whether the next event is due; the first always is.
    pub(crate) fn is_due(&mut self) -> bool {
        let now = Instant::now();
        let due = self.0.is_none_or(|last| now - last >= INTERVAL);
        if due {
            self.0 = Some(now);
        }
        due
    }
}

/// Between two events of a blob that is transferred.
pub(crate) const INTERVAL: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn ten_events_a_second_pass() {
        let mut throttle = Throttle::default();
        let mut passed = 0;
        for _ in 0..1000 {
            passed += u32::from(throttle.is_due());
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        assert_eq!(passed, 10);
    }
}
