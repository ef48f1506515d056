//! The blocking half of a download: one thread that hashes and writes what the stream brings, so
//! that the thread which drives all connections never waits for the disk or the hash.

use bytes::Bytes;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinHandle};

use crate::store::{BlobWriter, LayoutError};

/// Feeds a [`BlobWriter`] on its own thread. Dropped before [`Sink::finish`], it makes the writer
/// remove what it wrote.
pub(super) struct Sink {
    queue: mpsc::Sender<Piece>,
    thread: JoinHandle<Result<(), LayoutError>>,
}

/// Counts the threads of a pull.
#[derive(Default)]
pub(super) struct Alive(watch::Sender<()>);

enum Piece {
    Bytes(Bytes),
    End,
}

impl Sink {
    pub(super) fn new(writer: BlobWriter, alive: &Alive) -> Self {
        let (queue, mut pieces) = mpsc::channel(QUEUE);
        let alive = alive.0.subscribe();
        let thread = tokio::task::spawn_blocking(move || {
            // Locals are dropped in reverse order: the temporary file goes before the count.
            let _alive = alive;
            let mut writer = writer;
            while let Some(piece) = pieces.blocking_recv() {
                match piece {
                    Piece::Bytes(bytes) => writer.write(&bytes)?,
                    Piece::End => return writer.finish(),
                }
            }
            Ok(()) // Abandoned: nobody asks for this answer.
        });
        Self { queue, thread }
    }

    /// Hands bytes over; waits while the thread is behind.
    pub(super) async fn write(&mut self, bytes: Bytes) -> Result<(), LayoutError> {
        match self.queue.send(Piece::Bytes(bytes)).await {
            Ok(()) => Ok(()),
            Err(_) => answer((&mut self.thread).await),
        }
    }

    /// Has the blob proven and published.
    pub(super) async fn finish(self) -> Result<(), LayoutError> {
        // When the thread has failed already, its answer says why.
        let _ = self.queue.send(Piece::End).await;
        answer(self.thread.await)
    }
}

impl Alive {
    /// Waits until every thread has ended, and with it every temporary file.
    pub(super) async fn all_gone(self) {
        self.0.closed().await;
    }
}

fn answer(joined: Result<Result<(), LayoutError>, JoinError>) -> Result<(), LayoutError> {
    match joined.map_err(JoinError::try_into_panic) {
        Ok(result) => result,
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        Err(Err(_)) => unreachable!("a blocking thread that runs is never cancelled"),
    }
}

/// Pieces on their way to the thread. A piece is what one read of a connection gave, up to 400 KiB,
/// so this bounds the memory of a stream.
const QUEUE: usize = 2;
