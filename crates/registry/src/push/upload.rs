//! The upload of one blob: in one request if it is small, else as a stream that continues where the
//! registry is after a broken connection.

use regcred_core::report;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};

use super::blob_body::BlobReader;
use crate::client::{RegistryError, Repository, Upload};
use crate::image::Descriptor;
use crate::progress::{BlobState, INTERVAL};

/// One blob on its way into a repository.
pub(super) struct BlobUpload<'a> {
    target: &'a Repository,
    blob: &'a Descriptor,
    reader: BlobReader,
    report: &'a (dyn Fn(BlobState<'_>) + Sync),
    /// The most bytes in one request.
    piece: u64,
    /// Whether a session may be continued: some registries keep only the last of several pieces.
    may_continue: bool,
    failures: u32,
    /// The most that the registry had at a failure, in bytes.
    reached: u64,
}

impl<'a> BlobUpload<'a> {
    pub(super) fn new(
        target: &'a Repository,
        blob: &'a Descriptor,
        reader: BlobReader,
        report: &'a (dyn Fn(BlobState<'_>) + Sync),
    ) -> Self {
        Self {
            target,
            blob,
            reader,
            report,
            piece: u64::MAX,
            may_continue: true,
            failures: 0,
            reached: 0,
        }
    }

    /// Uploads the blob, in a session that is open already or in a new one.
    pub(super) async fn run(mut self, session: Option<Upload>) -> Result<(), RegistryError> {
        let mut session = session;
        loop {
            let mut upload = match session.take() {
                Some(upload) => upload,
                None => {
                    let nothing = self.reader.body(0..0);
                    let digest = &self.blob.digest;
                    self.target.start_upload_of(digest, nothing).await?
                }
            };
            let start = upload.offset();
            let Err(error) = self.send(&mut upload).await else {
                return Ok(());
            };
            if let Some(failure) = self.reader.take_failure() {
                // Some registries keep an abandoned session for days.
                let _ = upload.cancel().await;
                return Err(failure);
            }
            self.prepare_next(start, error).await?;
            // The response to the last request may have been lost.
            if self.target.has_blob(&self.blob.digest).await? {
                return Ok(());
            }
            let resumed = self.may_continue && upload.resume().await.is_ok();
            if resumed && upload.offset() <= self.blob.size {
                if upload.offset() >= self.reached.saturating_add(PROGRESS) {
                    self.failures = 0;
                }
                self.reached = self.reached.max(upload.offset());
                session = Some(upload);
            }
        }
    }

    /// Sends what the registry lacks, and closes the session.
    async fn send(&self, upload: &mut Upload) -> Result<(), RegistryError> {
        let (size, digest) = (self.blob.size, &self.blob.digest);
        if upload.offset() == 0 && size <= ONE_REQUEST.min(self.piece) {
            let body = self.reader.body(0..size);
            return self.watched(0, upload.finish(digest, body)).await;
        }
        while upload.offset() < size {
            let start = upload.offset();
            let end = size.min(start.saturating_add(self.piece.max(upload.smallest_chunk())));
            let body = self.reader.body(start..end);
            self.watched(start, upload.append(body)).await?;
            if upload.offset() <= start || upload.offset() > size {
                return Err(upload.out_of_step());
            }
        }
        upload.finish(digest, self.reader.body(size..size)).await
    }

    /// Reports the bytes sent while a request is under way.
    async fn watched(
        &self,
        start: u64,
        request: impl Future<Output = Result<(), RegistryError>>,
    ) -> Result<(), RegistryError> {
        let mut request = std::pin::pin!(request);
        let mut ticks = interval_at(Instant::now() + INTERVAL, INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                done = &mut request => return done,
                _ = ticks.tick() => {
                    let done = start + self.reader.sent();
                    (self.report)(BlobState::Uploading { done });
                }
            }
        }
    }

    /// Waits for the next attempt, or gives up: when the failure is permanent, or occurred too often
    /// without progress in between.
    async fn prepare_next(
        &mut self,
        start: u64,
        error: RegistryError,
    ) -> Result<(), RegistryError> {
        self.failures += 1;
        let status = error.status().map(|status| status.as_u16());
        let again = match status {
            // A quota stays exhausted, whatever the size of a request.
            _ if error.push_refusal().is_some() => false,
            // A proxy in front limits what one request may have.
            Some(413) if self.piece > SMALLEST_PIECE => {
                let smaller = self.piece.min(self.blob.size) / 4;
                self.piece = smaller.clamp(SMALLEST_PIECE, LARGEST_PIECE);
                true
            }
            // The session has ended, or has another offset.
            Some(404 | 416) => true,
            Some(400) if start > 0 && self.may_continue => {
                self.may_continue = false;
                true
            }
            _ => error.is_passing() || error.is_out_of_step(),
        };
        if !again || self.failures > MOST_FAILURES {
            return Err(error);
        }
        let reason = report(&error);
        tracing::debug!(digest = %self.blob.digest, reason, "continuing a broken upload");
        let attempt = self.failures + 1;
        (self.report)(BlobState::Retrying {
            attempt,
            reason: &reason,
        });
        sleep(self.target.retry().pause(self.failures)).await;
        Ok(())
    }
}

/// The largest blob that is sent together with the end of its session. Some registries refuse larger
/// ones in that request.
const ONE_REQUEST: u64 = 4 << 20;
/// The largest piece after a request was too large, and the smallest that is tried.
const LARGEST_PIECE: u64 = 64 << 20;
const SMALLEST_PIECE: u64 = 1 << 20;
/// How often an upload is continued without progress.
const MOST_FAILURES: u32 = 5;
/// Bytes between two failures that count as progress.
const PROGRESS: u64 = 1 << 20;
