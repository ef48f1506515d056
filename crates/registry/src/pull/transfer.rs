//! The transfer of one blob from the registry into the store.

use std::time::Duration;

use regcred_core::ImageRef;
use tokio::time::sleep;

use super::blob_sink::{BlobSink, WriterThreads};
use super::connections::Waiting;
use super::divided_stream::DividedStream;
use super::division::Division;
use crate::client::{BlobChunk, RegistryError, Repository};
use crate::content::store_failure;
use crate::image::Descriptor;
use crate::progress::{BlobState, Progress, Throttle, TransferEvent};
use crate::store::{BlobWriter, Layout, LayoutError};

/// The source and the destination of blobs.
pub(super) struct Transfer<'a> {
    pub(super) repository: &'a Repository,
    pub(super) layout: &'a Layout,
    pub(super) image: &'a ImageRef,
    pub(super) progress: &'a dyn Progress,
    pub(super) division: Division,
}

impl Transfer<'_> {
    /// Fetches one blob; the bytes that were downloaded, `None` if the store has it by now.
    ///
    /// Continues what an interrupted pull left. If that is damaged, as after a power failure, the blob is
    /// fetched from its beginning. So is one whose parts are not those of the blob, then over one
    /// connection.
    pub(super) async fn fetch(
        &self,
        blob: &Descriptor,
        threads: &WriterThreads,
        waiting: Waiting<'_>,
    ) -> Result<Option<u64>, RegistryError> {
        let connections = waiting.connections();
        let mut waiting = Some(waiting);
        let failed = |error| store_failure(self.image, error);
        if let Some(bytes) = blob.embedded() {
            self.layout.put_bytes(blob, &bytes).map_err(failed)?;
            self.report(blob, BlobState::Done);
            return Ok(Some(0));
        }
        let mut downloaded = 0;
        let mut division = Some(self.division);
        loop {
            let Some(writer) = self.claim(blob).await.map_err(failed)? else {
                self.report(blob, BlobState::Exists);
                return Ok(None);
            };
            let start = writer.position();
            let sink = BlobSink::new(writer, threads);
            if start > 0 {
                self.report(blob, BlobState::Resumed { done: start });
            }
            let connection = connections.own().await;
            drop(waiting.take());
            let stream = self.repository.blob(blob, start).await?;
            let mut stream =
                DividedStream::new(stream, blob.size, division, connection, connections);
            let sink = self.write(blob, &mut stream, sink).await?;
            downloaded += blob.size - start;
            match sink.finish().await {
                Err(LayoutError::Mismatch { .. }) if stream.was_divided() => {
                    division = None;
                    tracing::warn!(digest = %blob.digest, "the parts of this blob do not have its digest; fetching it from its beginning over one connection");
                }
                Err(LayoutError::Mismatch { .. }) if start > 0 => {
                    tracing::warn!(digest = %blob.digest, "what an interrupted pull left of this blob is damaged; fetching it from its beginning");
                }
                finished => {
                    finished.map_err(failed)?;
                    self.report(blob, BlobState::Done);
                    return Ok(Some(downloaded));
                }
            }
        }
    }

    pub(super) fn report(&self, descriptor: &Descriptor, state: BlobState<'_>) {
        self.progress
            .event(TransferEvent::Blob { descriptor, state });
    }

    /// A writer for the blob, unless another process (or another pull of this one) turns out to
    /// have fetched it. Waiting saves a second download and is never needed for correctness, so
    /// small blobs do without it, and a writer that stalls is not waited for. Nor is the beginning of a
    /// small one looked for: see `WORTH_KEEPING` in `store/blob_writer.rs`.
    async fn claim(&self, blob: &Descriptor) -> Result<Option<BlobWriter>, LayoutError> {
        if blob.size < WORTH_WAITING {
            return self.layout.blob_writer(blob).map(Some);
        }
        loop {
            if !self.layout.is_being_written(&blob.digest) {
                let writer = self.layout.resume_blob(blob)?;
                // The other may have finished between the two looks.
                if self.layout.has_blob(blob) {
                    return Ok(None);
                }
                if !writer.should_yield() {
                    return Ok(Some(writer));
                }
            }
            sleep(LOOK_AGAIN).await;
            if self.layout.has_blob(blob) {
                return Ok(None);
            }
        }
    }

    async fn write(
        &self,
        blob: &Descriptor,
        stream: &mut DividedStream<'_>,
        mut sink: BlobSink,
    ) -> Result<BlobSink, RegistryError> {
        let mut throttle = Throttle::default();
        while let Some(chunk) = stream.chunk().await? {
            match chunk {
                BlobChunk::Bytes(bytes) => {
                    let written = sink.write(bytes).await;
                    sink = written.map_err(|error| store_failure(self.image, error))?;
                    if throttle.is_due() {
                        let done = stream.received();
                        self.report(blob, BlobState::Downloading { done });
                    }
                }
                BlobChunk::Retrying { attempt, reason } => {
                    let reason = &reason;
                    self.report(blob, BlobState::Retrying { attempt, reason });
                }
            }
        }
        Ok(sink)
    }
}

const WORTH_WAITING: u64 = 1024 * 1024;
const LOOK_AGAIN: Duration = Duration::from_millis(100);
