//! Blobs as streams that go on where they broke off (RFC 9110 section 14, and containers/image
//! `body_reader.go` for how often).

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use regcred_core::report;
use regcred_http::{Method, Response, StatusCode, header};
use tokio::time::sleep;

use super::content_range::ContentRange;
use super::endpoint::Ask;
use super::error::{Object, Part, Reason, RegistryError};
use super::repository::Repository;
use crate::image::Descriptor;

/// The bytes of a blob, or of a part of it, in order. It ends with the last byte the descriptor
/// names and never gives more; whether the bytes have the blob's digest is for the reader to find
/// out, who hashes them anyway.
pub struct BlobStream {
    repository: Repository,
    descriptor: Descriptor,
    object: Object,
    /// The next byte to give out.
    position: u64,
    /// One past the last.
    end: u64,
    /// Bytes of the current answer that were given out before: it began too early.
    skip: u64,
    answer: Option<Response>,
    ranged: bool,
    foreign: bool,
    failures: u32,
    since_failure: u64,
    on_retry: Option<Box<Listener>>,
}

/// Hears the number of the coming attempt and what broke.
type Listener = dyn Fn(u32, &str) + Send + Sync;

impl Repository {
    /// Opens a blob at `offset` (0 for the whole). With an offset only the rest is asked for.
    ///
    /// A stream that breaks off goes on at the same byte, as often as it gets on. A foreign layer
    /// that the registry does not have is fetched from the addresses in its descriptor, without
    /// any credential and over https only.
    ///
    /// # Errors
    /// When the registry does not give it.
    pub async fn blob(
        &self,
        descriptor: &Descriptor,
        offset: u64,
    ) -> Result<BlobStream, RegistryError> {
        self.blob_range(descriptor, offset..descriptor.size).await
    }

    /// Opens a part of a blob. A registry that does not know ranges sends the whole, of which the
    /// part is cut out; [`BlobStream::is_ranged`] tells.
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
            object: self.object(Part::Blob(descriptor.digest.clone())),
            descriptor: descriptor.clone(),
            position: range.start,
            end: range.end.min(descriptor.size),
            skip: 0,
            answer: None,
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

    /// A small blob whole, proven: an image's configuration.
    ///
    /// # Errors
    /// When it is larger than `limit` bytes or not what its descriptor says, and as
    /// [`Repository::blob`].
    pub async fn blob_bytes(
        &self,
        descriptor: &Descriptor,
        limit: usize,
    ) -> Result<Bytes, RegistryError> {
        let object = self.object(Part::Blob(descriptor.digest.clone()));
        let size = usize::try_from(descriptor.size)
            .ok()
            .filter(|size| *size <= limit);
        let Some(size) = size else {
            let what = format!("it is larger than the {limit} bytes that are read of its kind");
            return Err(RegistryError::protocol(&object, what));
        };
        let mut stream = self.blob(descriptor, 0).await?;
        let mut bytes = BytesMut::with_capacity(size);
        while let Some(chunk) = stream.chunk().await? {
            bytes.extend_from_slice(&chunk);
        }
        let mut hasher = descriptor.digest.hasher();
        hasher.update(&bytes);
        let actual = hasher.finish();
        match actual == descriptor.digest {
            true => Ok(bytes.freeze()),
            false => Err(RegistryError::new(&object, Reason::Digest { actual })),
        }
    }
}

impl BlobStream {
    /// Has `listener` told before each pause that a broken stream makes: the number of the coming
    /// attempt (2 is the first retry) and what broke.
    #[must_use]
    pub fn on_retry(mut self, listener: impl Fn(u32, &str) + Send + Sync + 'static) -> Self {
        self.on_retry = Some(Box::new(listener));
        self
    }

    /// The next bytes, `None` behind the last.
    ///
    /// # Errors
    /// When the stream breaks and cannot be continued, or has more bytes than it may have.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, RegistryError> {
        loop {
            if self.position == self.end {
                self.finish().await?;
                return Ok(None);
            }
            let broken = match &mut self.answer {
                None => match self.open().await {
                    Ok(()) => continue,
                    Err(error) => error,
                },
                Some(answer) => match answer.chunk().await {
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
            let ended = self.answer.take().is_some();
            match self.pause(ended, &broken) {
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

    /// Whether the registry sends just the part that was asked for.
    #[must_use]
    pub fn is_ranged(&self) -> bool {
        self.ranged
    }

    /// Takes the bytes that are wanted out of those that came.
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

    /// Makes sure that nothing follows the last byte, and lets the connection be used again.
    async fn finish(&mut self) -> Result<(), RegistryError> {
        let Some(mut answer) = self.answer.take() else {
            return Ok(());
        };
        if self.end < self.descriptor.size && !self.ranged {
            return Ok(());
        }
        match answer.chunk().await {
            Ok(Some(more)) if !more.is_empty() => {
                Err(self.wrong_size(self.position + more.len() as u64))
            }
            // All bytes are here; how the connection ends does not matter.
            _ => Ok(()),
        }
    }

    async fn open(&mut self) -> Result<(), RegistryError> {
        let digest = &self.descriptor.digest;
        let mut headers = vec![("accept-encoding", "identity".to_owned())];
        let partial = self.position > 0 || self.end < self.descriptor.size;
        if partial {
            let last = self.end.saturating_sub(1);
            headers.push(("range", format!("bytes={}-{last}", self.position)));
        }
        let ask = Ask {
            object: &self.object,
            method: Method::GET,
            path: format!("blobs/{digest}"),
            headers,
            resolves: false,
            is_small: false,
        };
        let answer = match self.foreign {
            true => Self::ask_elsewhere(&self.repository, &self.descriptor, &ask).await?,
            false => match self.repository.ask(&ask).await {
                Err(error)
                    if !self.descriptor.urls.is_empty()
                        && error.status() == Some(StatusCode::NOT_FOUND) =>
                {
                    self.foreign = true;
                    Self::ask_elsewhere(&self.repository, &self.descriptor, &ask).await?
                }
                other => other?,
            },
        };
        self.begin(answer)
    }

    /// The first of the descriptor's addresses that answers.
    async fn ask_elsewhere(
        repository: &Repository,
        descriptor: &Descriptor,
        ask: &Ask<'_>,
    ) -> Result<Response, RegistryError> {
        let mut result = Err(RegistryError::protocol(ask.object, "it has no address"));
        for url in descriptor.urls.iter().take(MOST_ADDRESSES) {
            result = repository.ask_foreign(url, ask).await;
            if result.is_ok() {
                break;
            }
        }
        result
    }

    /// Checks an answer's head: which bytes it will bring.
    fn begin(&mut self, answer: Response) -> Result<(), RegistryError> {
        let fail = |what: String| Err(RegistryError::protocol(&self.object, what));
        let encoding = answer.headers().get(header::CONTENT_ENCODING);
        if encoding.is_some_and(|e| !e.as_bytes().eq_ignore_ascii_case(b"identity")) {
            return fail("it came compressed, which was not asked for".to_owned());
        }
        let size = self.descriptor.size;
        match answer.status() {
            StatusCode::PARTIAL_CONTENT => {
                let range = ContentRange::of(answer.headers());
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
                if let Some(length) = answer.content_length().filter(|length| *length != size) {
                    return Err(self.wrong_size(length));
                }
                (self.skip, self.ranged) = (self.position, false);
            }
            other => return fail(format!("the registry answered {other}")),
        }
        self.answer = Some(answer);
        Ok(())
    }

    /// The pause before the stream is continued, `None` to give up: when the failure will not
    /// pass, or came too often without a mebibyte between.
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
        tracing::debug!(object = %self.object, position = self.position, reason, "the stream broke and is continued");
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

/// How often a stream is continued without getting on.
const MOST_FAILURES: u32 = 5;
/// Bytes between two failures that count as getting on.
const PROGRESS: u64 = 1 << 20;
const MOST_ADDRESSES: usize = 5;

#[cfg(test)]
mod tests;
