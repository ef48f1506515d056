//! The blocking half of a download: one thread that hashes and writes what the stream returns, so
//! that the thread which drives all connections never waits for the disk or the hash.

use bytes::Bytes;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinHandle};

use crate::store::{BlobWriter, LayoutError};

/// Feeds a [`BlobWriter`] on a thread. Dropped before [`BlobSink::finish`], it drops the writer.
///
/// A small blob is kept until it is complete and is then handed over at once: to wake a thread for each piece
/// takes longer than to hash it.
pub(super) struct BlobSink(State);

enum State {
    Held(Box<Held>),
    Writing(Writing),
}

/// The beginning of a blob, and its writer.
struct Held {
    writer: BlobWriter,
    running: watch::Receiver<()>,
    pieces: Vec<Bytes>,
    length: usize,
}

struct Writing {
    queue: mpsc::Sender<Piece>,
    thread: Thread,
}

type Thread = JoinHandle<Result<(), LayoutError>>;

/// Counts the threads of a pull.
#[derive(Default)]
pub(super) struct WriterThreads(watch::Sender<()>);

enum Piece {
    Bytes(Bytes),
    End,
}

impl BlobSink {
    pub(super) fn new(writer: BlobWriter, threads: &WriterThreads) -> Self {
        Self(State::Held(Box::new(Held {
            writer,
            running: threads.0.subscribe(),
            pieces: Vec::new(),
            length: 0,
        })))
    }

    /// Takes bytes over; waits while the queue is full.
    pub(super) async fn write(self, bytes: Bytes) -> Result<Self, LayoutError> {
        let mut writing = match self.0 {
            State::Held(mut held) if held.length + bytes.len() <= MOST_HELD => {
                held.length += bytes.len();
                held.pieces.push(bytes);
                return Ok(Self(State::Held(held)));
            }
            State::Held(held) => held.start(),
            State::Writing(writing) => writing,
        };
        if writing.queue.send(Piece::Bytes(bytes)).await.is_err() {
            result((&mut writing.thread).await)?;
        }
        Ok(Self(State::Writing(writing)))
    }

    /// Verifies and publishes the blob.
    pub(super) async fn finish(self) -> Result<(), LayoutError> {
        match self.0 {
            State::Held(held) => result(held.run(|writer| writer.finish()).await),
            State::Writing(Writing { queue, thread }) => {
                // When the thread has failed already, its result has the reason.
                let _ = queue.send(Piece::End).await;
                result(thread.await)
            }
        }
    }
}

impl Held {
    /// Writes what is held on a thread, and continues there.
    fn run(
        self,
        rest: impl FnOnce(BlobWriter) -> Result<(), LayoutError> + Send + 'static,
    ) -> Thread {
        tokio::task::spawn_blocking(move || {
            // Locals are dropped in reverse order: the writer ends before the count.
            let _running = self.running;
            let mut writer = self.writer;
            for piece in self.pieces {
                writer.write(&piece)?;
            }
            rest(writer)
        })
    }

    fn start(self) -> Writing {
        let (queue, mut pieces) = mpsc::channel(QUEUE);
        let thread = self.run(move |mut writer| {
            while let Some(piece) = pieces.blocking_recv() {
                match piece {
                    Piece::Bytes(bytes) => writer.write(&bytes)?,
                    Piece::End => return writer.finish(),
                }
            }
            Ok(()) // Abandoned: this result is not used.
        });
        Writing { queue, thread }
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

/// The bytes that are kept until a thread is started.
const MOST_HELD: usize = 256 * 1024;
/// Pieces in the queue. A piece is what one read of a connection returned, up to 400 KiB, so this
/// bounds the memory of a stream.
const QUEUE: usize = 2;
