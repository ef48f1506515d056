//! One large blob over several connections, where a single connection is what limits it.
//!
//! The blob's stream runs alone at first. When it is slow and much is left ([`Division`]), the rest is
//! fetched in parts, over connections that no other blob of the pull needs. A part waits in memory for its turn:
//! the writer gets the bytes in their order, so that it hashes them once, and an interrupted pull leaves the
//! beginning of a blob as ever.
//!
//! The first part is a question: the stream goes on where it is, and is not given up before bytes of the part
//! are here. Parts never fail a pull. When one is refused or breaks, no more are asked for, and the
//! stream fetches what they lack.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use regcred_core::report;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::connections::{Connection, Connections, Place, Spare};
use super::division::Division;
use crate::client::{BlobChunk, BlobStream, RegistryError};

/// The bytes of a blob in their order.
pub(super) struct DividedStream<'a> {
    stream: BlobStream,
    /// The blob's own connection, while the stream uses it.
    connection: Option<Connection>,
    connections: &'a Connections,
    /// `None` if the blob is not divided.
    division: Option<Division>,
    began: Instant,
    /// Where the stream began, where it is, and the blob's size.
    start: u64,
    position: u64,
    size: u64,
    /// The part whose turn it is, and those after it.
    current: Option<Part>,
    parts: VecDeque<Part>,
    /// The end of the last part.
    planned: u64,
    /// Whether no byte of the first part has come.
    is_asking: bool,
    was_divided: bool,
    shared: Arc<Shared>,
    /// Dropped with the stream, which ends them.
    tasks: JoinSet<()>,
}

/// What a task has of a part.
struct Part {
    start: u64,
    /// A part's length bounds them.
    chunks: UnboundedReceiver<BlobChunk>,
    _place: Place,
}

/// What the tasks of all parts report.
#[derive(Default)]
struct Shared {
    /// Bytes that wait for their turn.
    ahead: AtomicU64,
    /// A part was refused, or broke for good.
    failed: AtomicBool,
}

impl<'a> DividedStream<'a> {
    /// Around an open stream of a blob of `size` bytes.
    pub(super) fn new(
        stream: BlobStream,
        size: u64,
        division: Option<Division>,
        connection: Connection,
        connections: &'a Connections,
    ) -> Self {
        let start = stream.position();
        Self {
            stream,
            connection: Some(connection),
            connections,
            division,
            began: Instant::now(),
            start,
            position: start,
            size,
            current: None,
            parts: VecDeque::new(),
            planned: start,
            is_asking: false,
            was_divided: false,
            shared: Arc::default(),
            tasks: JoinSet::new(),
        }
    }

    /// The next bytes, `None` after the last.
    ///
    /// # Errors
    /// Those of the stream.
    pub(super) async fn chunk(&mut self) -> Result<Option<BlobChunk>, RegistryError> {
        loop {
            self.divide();
            if let Some(part) = &mut self.current {
                if let Some(chunk) = part.chunks.recv().await {
                    return Ok(Some(self.taken(chunk)));
                }
                self.current = None;
                // Nothing, if the part is complete.
                let lacking = self.position..self.next_part();
                self.stream.move_to(lacking);
            }
            if self.is_asking && self.position == self.stream.end() {
                match self.first_of_parts().await {
                    Some(chunk) => return Ok(Some(self.taken(chunk))),
                    None => continue,
                }
            }
            if self.connection.is_none() && self.position < self.stream.end() {
                self.connection = Some(self.connections.own().await);
            }
            if let Some(chunk) = self.stream.chunk().await? {
                self.position = self.stream.position();
                return Ok(Some(chunk));
            }
            self.connection = None;
            self.current = self.parts.pop_front();
            if self.current.is_none() {
                return Ok(None);
            }
        }
    }

    /// Bytes of the blob that are here: those returned, and those that wait.
    pub(super) fn received(&self) -> u64 {
        self.position + self.shared.ahead.load(Ordering::Relaxed)
    }

    /// Whether bytes came in parts.
    pub(super) fn was_divided(&self) -> bool {
        self.was_divided
    }

    /// Asks for as many parts as there are spare connections, but for no second one before the first
    /// has come.
    fn divide(&mut self) {
        if self.is_asking {
            match self.parts.front() {
                Some(first) if !first.chunks.is_empty() => {
                    self.is_asking = false;
                    self.was_divided = true;
                }
                _ => return,
            }
        }
        let Some(division) = self.division else {
            return;
        };
        if self.shared.failed.load(Ordering::Relaxed) {
            self.division = None;
            return;
        }
        let is_first = self.current.is_none() && self.parts.is_empty();
        if is_first {
            let done = self.position - self.start;
            let rest = self.size - self.position;
            let Some(lead) = division.lead(done, self.began.elapsed(), rest) else {
                return;
            };
            self.planned = self.position + lead;
        }
        while self.planned < self.size {
            let range = self.planned..self.size.min(self.planned + division.part.max(1));
            let Some(part) = self.stream.part(range.clone()) else {
                self.division = None;
                return;
            };
            let Some(spare) = self.connections.spare() else {
                return;
            };
            self.planned = range.end;
            self.ask_for(part, range, spare);
            if is_first {
                self.stream.end_at(self.next_part());
                self.is_asking = true;
                return;
            }
        }
    }

    fn ask_for(&mut self, part: BlobStream, range: Range<u64>, spare: Spare) {
        let start = range.start;
        let (sender, chunks) = unbounded_channel();
        let shared = Arc::clone(&self.shared);
        while self.tasks.try_join_next().is_some() {}
        self.tasks.spawn(async move {
            let _connection = spare.connection;
            if let Err(error) = fetch(part, &sender, &shared).await {
                let error = report(&error);
                tracing::debug!(?range, error, "a part of a blob was not fetched");
                shared.failed.store(true, Ordering::Relaxed);
            }
        });
        self.parts.push_back(Part {
            start,
            chunks,
            _place: spare.place,
        });
    }

    /// The stream is where the first part begins: waits for the first bytes of that, but not for long.
    async fn first_of_parts(&mut self) -> Option<BlobChunk> {
        let mut first = self.parts.pop_front();
        self.is_asking = false;
        if let Some(part) = &mut first
            && let Ok(Some(chunk)) = timeout(PATIENCE, part.chunks.recv()).await
        {
            self.was_divided = true;
            self.current = first;
            self.stream.move_to(self.position..self.position);
            self.connection = None;
            return Some(chunk);
        }
        tracing::debug!("the server does not send parts; the blob's stream goes on alone");
        self.tasks.abort_all();
        self.division = None;
        self.stream.end_at(self.size);
        None
    }

    /// Where the next part begins, or the blob ends.
    fn next_part(&self) -> u64 {
        self.parts.front().map_or(self.size, |part| part.start)
    }

    fn taken(&mut self, chunk: BlobChunk) -> BlobChunk {
        if let BlobChunk::Bytes(bytes) = &chunk {
            let length = bytes.len() as u64;
            self.position += length;
            self.shared.ahead.fetch_sub(length, Ordering::Relaxed);
        }
        chunk
    }
}

/// Reads a part, as fast as it comes.
async fn fetch(
    mut part: BlobStream,
    chunks: &UnboundedSender<BlobChunk>,
    shared: &Shared,
) -> Result<(), RegistryError> {
    part.open().await?;
    while let Some(mut chunk) = part.chunk().await? {
        if let BlobChunk::Bytes(bytes) = &mut chunk {
            // A connection's bytes keep the whole of a larger buffer in memory.
            *bytes = Bytes::copy_from_slice(bytes);
            shared
                .ahead
                .fetch_add(bytes.len() as u64, Ordering::Relaxed);
        }
        if chunks.send(chunk).is_err() {
            break;
        }
    }
    Ok(())
}

/// How long the stream waits for the first byte of the first part.
const PATIENCE: Duration = Duration::from_secs(5);
