//! Blobs as streams that continue where they broke off (RFC 9110 section 14, and containers/image
//! `body_reader.go` for how often).

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use regcred_core::report;
use regcred_http::{Method, Response, StatusCode, header};
use tokio::time::sleep;

use super::content_range::ContentRange;
use super::error::{Reason, RegistryError};
use super::object::{Object, Part};
use super::repository::Repository;
use super::request::RegistryRequest;
use crate::image::Descriptor;

/// The bytes of a blob, or of a part of it, in order: as many as the descriptor has, never more.
/// The reader compares the digest, since it hashes the bytes anyway.
pub struct BlobStream {
    repository: Repository,
    descriptor: Descriptor,
    object: Object,
    /// The offset of the next byte that is returned.
    position: u64,
    /// One past the last.
    end: u64,
    /// Bytes of the current response that were returned before: it starts too early.
    skip: u64,
    response: Option<Response>,
    ranged: bool,
    foreign: bool,
    failures: u32,
    since_failure: u64,
    on_retry: Option<Box<RetryListener>>,
}

/// Receives the number of the next attempt and what broke.
type RetryListener = dyn Fn(u32, &str) + Send + Sync;

impl Repository {
    /// Opens a blob at `offset` (0 for the whole). With an offset only the rest is asked for.
    ///
    /// A stream that breaks off continues at the same byte, as long as it makes progress. A foreign
    /// layer that the registry does not have is fetched from the addresses in its descriptor,
    /// without any credential and over https only.
    ///
    /// # Errors
    /// When the registry does not return it.
    pub async fn blob(
        &self,
        descriptor: &Descriptor,
        offset: u64,
    ) -> Result<BlobStream, RegistryError> {
        self.blob_range(descriptor, offset..descriptor.size).await
    }

    /// Opens a part of a blob. A registry without support for ranges sends the whole, of which the
    /// part is cut out; see [`BlobStream::is_ranged`].
    ///
    /// # Errors
    /// As [`Repository::blob`].
    pub async fn blob_range(
        &self,
        descriptor: &Descriptor,
        range: Range<u64>,
    ) -> Result<BlobStream, RegistryError> {
        let mut stream = BlobStream {
            repository: self.clone(),
            object: blob_object(self, descriptor),
            descriptor: descriptor.clone(),
            position: range.start,
            end: range.end.min(descriptor.size),
            skip: 0,
            response: None,
            ranged: false,
            foreign: false,
            failures: 0,
            since_failure: 0,
            on_retry: None,
        };
        if stream.position < stream.end || descriptor.size == 0 {
            stream.open().await?;
        }
        Ok(stream)
    }

    /// A small blob as a whole, verified: an image's configuration.
    ///
    /// # Errors
    /// When it is larger than `limit` bytes or does not match its descriptor, and as
    /// [`Repository::blob`].
    pub async fn blob_bytes(
        &self,
        descriptor: &Descriptor,
        limit: usize,
    ) -> Result<Bytes, RegistryError> {
        let object = blob_object(self, descriptor);
        if descriptor.size > limit as u64 {
            let what = format!("it is larger than the {limit} bytes that are read of its kind");
            return Err(RegistryError::protocol(&object, what));
        }
        let mut stream = self.blob(descriptor, 0).await?;
        let mut bytes = BytesMut::new();
        while let Some(chunk) = stream.chunk().await? {
            bytes.extend_from_slice(&chunk);
        }
        if !descriptor.digest.matches(&bytes) {
            let actual = descriptor.digest.of_same_algorithm(&bytes);
            return Err(RegistryError::new(&object, Reason::Digest { actual }));
        }
        Ok(bytes.freeze())
    }
}

impl BlobStream {
    /// Calls `listener` before each pause of a broken stream, with the number of the next attempt
    /// (2 is the first retry) and what broke.
    #[must_use]
    pub fn on_retry(mut self, listener: impl Fn(u32, &str) + Send + Sync + 'static) -> Self {
        self.on_retry = Some(Box::new(listener));
        self
    }

    /// The next bytes, `None` after the last.
    ///
    /// # Errors
    /// When the stream breaks and cannot be continued, or has more bytes than it may have.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, RegistryError> {
        loop {
            if self.position == self.end {
                self.finish().await?;
                return Ok(None);
            }
            let broken = match &mut self.response {
                None => match self.open().await {
                    Ok(()) => continue,
                    Err(error) => error,
                },
                Some(response) => match response.chunk().await {
                    Ok(Some(bytes)) => match self.accept(bytes)? {
                        Some(bytes) => return Ok(Some(bytes)),
                        None => continue,
                    },
                    Ok(None) => {
                        let what = format!("the stream ended after {} bytes", self.position);
                        RegistryError::protocol(&self.object, what)
                    }
                    Err(error) => RegistryError::unreached(&self.object, error),
                },
            };
            let was_open = self.response.take().is_some();
            match self.pause(was_open, &broken) {
                Some(pause) => sleep(pause).await,
                None => return Err(broken),
            }
        }
    }

    /// The offset of the next byte in the blob.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Whether the registry sends only the part that was asked for.
    #[must_use]
    pub fn is_ranged(&self) -> bool {
        self.ranged
    }

    /// Cuts the wanted bytes out of those received.
    fn accept(&mut self, mut bytes: Bytes) -> Result<Option<Bytes>, RegistryError> {
        let known = self.skip.min(bytes.len() as u64);
        self.skip -= known;
        // Not more than a chunk's length, which is a usize.
        bytes.advance(usize::try_from(known).unwrap_or(bytes.len()));
        if bytes.is_empty() {
            return Ok(None);
        }
        let left = self.end - self.position;
        if bytes.len() as u64 > left {
            if self.end == self.descriptor.size {
                return Err(self.wrong_size(self.position + bytes.len() as u64));
            }
            bytes.truncate(usize::try_from(left).unwrap_or(bytes.len()));
        }
        self.position += bytes.len() as u64;
        self.since_failure += bytes.len() as u64;
        Ok(Some(bytes))
    }

    /// Checks that nothing follows the last byte, which also frees the connection for other requests.
    async fn finish(&mut self) -> Result<(), RegistryError> {
        let Some(mut response) = self.response.take() else {
            return Ok(());
        };
        if self.end < self.descriptor.size && !self.ranged {
            return Ok(());
        }
        match response.chunk().await {
            Ok(Some(more)) if !more.is_empty() => {
                Err(self.wrong_size(self.position + more.len() as u64))
            }
            // All bytes are here; how the connection ends does not matter.
            _ => Ok(()),
        }
    }

    async fn open(&mut self) -> Result<(), RegistryError> {
        let path = format!("blobs/{}", self.descriptor.digest);
        let mut request = RegistryRequest::new(&self.object, Method::GET, path);
        request.is_small = false;
        request.headers = vec![("accept-encoding", "identity".to_owned())];
        let partial = self.position > 0 || self.end < self.descriptor.size;
        if partial {
            let last = self.end.saturating_sub(1);
            let range = format!("bytes={}-{last}", self.position);
            request.headers.push(("range", range));
        }
        let mut result = Err(RegistryError::protocol(&self.object, "it has no address"));
        if !self.foreign {
            result = self.repository.send(&request).await;
            self.foreign = !self.descriptor.urls.is_empty()
                && matches!(&result, Err(e) if e.status() == Some(StatusCode::NOT_FOUND));
        }
        if self.foreign {
            for url in self.descriptor.urls.iter().take(MOST_ADDRESSES) {
                result = self.repository.send_foreign(url, &request).await;
                if result.is_ok() {
                    break;
                }
            }
        }
        let response = result?;
        self.begin(response)
    }

    /// Checks the head of a response: which bytes will follow.
    fn begin(&mut self, response: Response) -> Result<(), RegistryError> {
        let fail = |what: String| Err(RegistryError::protocol(&self.object, what));
        let encoding = response.headers().get(header::CONTENT_ENCODING);
        if encoding.is_some_and(|e| !e.as_bytes().eq_ignore_ascii_case(b"identity")) {
            return fail("it was sent compressed, which was not asked for".to_owned());
        }
        let size = self.descriptor.size;
        match response.status() {
            StatusCode::PARTIAL_CONTENT => {
                let range = ContentRange::of(response.headers());
                if !range.is_some_and(|range| range.is(self.position..self.end, size)) {
                    return fail(format!(
                        "the registry sent another range than bytes {} to {} of {size}",
                        self.position, self.end
                    ));
                }
                (self.skip, self.ranged) = (0, true);
            }
            StatusCode::RANGE_NOT_SATISFIABLE => {
                return fail(format!(
                    "the registry has no byte {} of the {size} in the descriptor",
                    self.position
                ));
            }
            StatusCode::OK => {
                if let Some(length) = response.content_length().filter(|l| *l != size) {
                    return Err(self.wrong_size(length));
                }
                (self.skip, self.ranged) = (self.position, false);
            }
            other => return fail(format!("the registry answered {other}")),
        }
        self.response = Some(response);
        Ok(())
    }

    /// The pause before the stream is continued, `None` to give up: when the failure is permanent,
    /// or occurred too often without a mebibyte in between.
    fn pause(&mut self, was_open: bool, broken: &RegistryError) -> Option<Duration> {
        if !was_open && !broken.is_passing() {
            return None;
        }
        if self.since_failure >= PROGRESS {
            self.failures = 0;
        }
        self.since_failure = 0;
        self.failures += 1;
        if self.failures > MOST_FAILURES {
            return None;
        }
        let reason = report(broken);
        tracing::debug!(object = %self.object, position = self.position, reason, "continuing a broken stream");
        if let Some(listener) = &self.on_retry {
            listener(self.failures + 1, &reason);
        }
        Some(self.repository.retry().pause(self.failures))
    }

    fn wrong_size(&self, actual: u64) -> RegistryError {
        let expected = self.descriptor.size;
        RegistryError::new(&self.object, Reason::Size { expected, actual })
    }
}

impl fmt::Debug for BlobStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlobStream")
            .field("object", &self.object)
            .field("position", &self.position)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

fn blob_object(repository: &Repository, blob: &Descriptor) -> Object {
    let part = Part::Blob(blob.digest.clone());
    Object::pulled(repository.name().to_owned(), part)
}

/// How often a stream is continued without progress.
const MOST_FAILURES: u32 = 5;
/// Bytes between two failures that count as progress.
const PROGRESS: u64 = 1 << 20;
const MOST_ADDRESSES: usize = 5;

#[cfg(test)]
mod tests;
