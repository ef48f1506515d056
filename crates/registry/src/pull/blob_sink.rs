//! The blocking half of a download: one thread that hashes and writes what the stream returns, so
//! that the thread which drives all connections never waits for the disk or the hash.

use bytes::Bytes;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinHandle};

use crate::store::{BlobWriter, LayoutError};

/// Feeds a [`BlobWriter`] on its own thread. Dropped before [`BlobSink::finish`], it drops the
/// writer.
pub(super) struct BlobSink {
    queue: mpsc::Sender<Piece>,
    thread: JoinHandle<Result<(), LayoutError>>,
}

/// Counts the threads of a pull.
#[derive(Default)]
pub(super) struct WriterThreads(watch::Sender<()>);

enum Piece {
    Bytes(Bytes),
    End,
}

impl BlobSink {
    pub(super) fn new(writer: BlobWriter, threads: &WriterThreads) -> Self {
        let (queue, mut pieces) = mpsc::channel(QUEUE);
        let running = threads.0.subscribe();
        let thread = tokio::task::spawn_blocking(move || {
            // Locals are dropped in reverse order: the writer ends before the count.
            let _running = running;
            let mut writer = writer;
            while let Some(piece) = pieces.blocking_recv() {
                match piece {
                    Piece::Bytes(bytes) => writer.write(&bytes)?,
                    Piece::End => return writer.finish(),
                }
            }
            Ok(()) // Abandoned: this result is not used.
        });
        Self { queue, thread }
    }

    /// Hands bytes over; waits while the queue is full.
    pub(super) async fn write(&mut self, bytes: Bytes) -> Result<(), LayoutError> {
        match self.queue.send(Piece::Bytes(bytes)).await {
            Ok(()) => Ok(()),
            Err(_) => result((&mut self.thread).await),
        }
    }

    /// Verifies and publishes the blob.
    pub(super) async fn finish(self) -> Result<(), LayoutError> {
        // When the thread has failed already, its result has the reason.
        let _ = self.queue.send(Piece::End).await;
        result(self.thread.await)
    }
}

impl WriterThreads {
    /// Waits until every thread has ended, and with it every writer.
    pub(super) async fn ended(self) {
        self.0.closed().await;
    }
}

fn result(joined: Result<Result<(), LayoutError>, JoinError>) -> Result<(), LayoutError> {
    match joined.map_err(JoinError::try_into_panic) {
        Ok(result) => result,
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        Err(Err(_)) => unreachable!("a blocking thread that runs is never cancelled"),
    }
}

/// Pieces in the queue. A piece is what one read of a connection returned, up to 400 KiB, so this
/// bounds the memory of a stream.
const QUEUE: usize = 2;
