//! One blob on its way from the registry into the store.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::time::sleep;

use super::blob_sink::{Alive, Sink};
use super::blobs::Blobs;
use super::progress::{BlobState, Throttle};
use crate::client::{BlobStream, RegistryError};
use crate::image::Descriptor;
use crate::store::{BlobWriter, LayoutError};

/// The number of the coming attempt, and what broke.
type Retry = (u32, String);

impl Blobs<'_> {
    /// Fetches one blob; the bytes that were downloaded, `None` if the store has it by now.
    pub(super) async fn fetch_one(
        &self,
        blob: &Descriptor,
        alive: &Alive,
    ) -> Result<Option<u64>, RegistryError> {
        let local = |error| super::local(self.image, error);
        if let Some(bytes) = blob.embedded() {
            self.layout.put_bytes(blob, &bytes).map_err(local)?;
            self.tell(blob, BlobState::Done);
            return Ok(Some(0));
        }
        let Some(writer) = self.claim(blob).await.map_err(local)? else {
            self.tell(blob, BlobState::Exists);
            return Ok(None);
        };
        let mut sink = Sink::new(writer, alive);
        self.stream(blob, &mut sink).await?;
        sink.finish().await.map_err(local)?;
        self.tell(blob, BlobState::Done);
        Ok(Some(blob.size))
    }

    /// A writer for the blob, unless another process (or another pull of this one) turns out to
    /// have fetched it. Waiting saves a second download and is never needed for correctness, so
    /// small blobs do without it, and a writer that stalls is passed by.
    async fn claim(&self, blob: &Descriptor) -> Result<Option<BlobWriter>, LayoutError> {
        if blob.size < WORTH_WAITING {
            return self.layout.blob_writer(blob).map(Some);
        }
        loop {
            if !self.layout.is_being_written(&blob.digest) {
                let writer = self.layout.blob_writer(blob)?;
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

    async fn stream(&self, blob: &Descriptor, sink: &mut Sink) -> Result<(), RegistryError> {
        let (heard, mut retries) = mpsc::unbounded_channel();
        let stream = self.repository.blob(blob, 0).await?;
        let mut stream = stream.on_retry(move |attempt, reason| {
            // The receiver lives as long as the stream.
            let _ = heard.send((attempt, reason.to_owned()));
        });
        let mut throttle = Throttle::default();
        while let Some(bytes) = self.next(blob, &mut stream, &mut retries).await? {
            sink.write(bytes)
                .await
                .map_err(|error| super::local(self.image, error))?;
            if throttle.is_due() {
                let done = stream.position();
                self.tell(blob, BlobState::Downloading { done });
            }
        }
        Ok(())
    }

    /// The next bytes; tells of retries while it waits.
    async fn next(
        &self,
        blob: &Descriptor,
        stream: &mut BlobStream,
        retries: &mut UnboundedReceiver<Retry>,
    ) -> Result<Option<Bytes>, RegistryError> {
        let mut chunk = pin!(stream.chunk());
        loop {
            tokio::select! {
                biased;
                Some((attempt, reason)) = retries.recv() => {
                    let reason = &reason;
                    self.tell(blob, BlobState::Retrying { attempt, reason });
                }
                chunk = &mut chunk => return chunk,
            }
        }
    }
}

const WORTH_WAITING: u64 = 1024 * 1024;
const LOOK_AGAIN: Duration = Duration::from_millis(100);
