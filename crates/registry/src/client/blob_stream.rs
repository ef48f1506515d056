//! Blobs as streams that continue where they broke off (RFC 9110 section 14, and containers/image
//! `body_reader.go` for how often).

mod part;

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use regcred_core::{plain, report};
use regcred_http::{HeaderValue, Method, Response, StatusCode, has_page_type, header};
use tokio::time::sleep;

use super::address::host_and_port;
use super::content_range::ContentRange;
use super::error::{Reason, RegistryError};
use super::object::{Object, Part};
use super::repository::Repository;
use super::request::RegistryRequest;
use crate::image::Descriptor;

/// The bytes of a blob in order: as many as the descriptor has, never more. The reader compares the
/// digest, since it hashes the bytes anyway.
pub struct BlobStream {
    repository: Repository,
    descriptor: Descriptor,
    object: Object,
    /// The offset of the next byte that is returned.
    position: u64,
    /// The offset after the last byte that is returned: the blob's size, or where another stream continues.
    end: u64,
    /// The offset after the last byte of the current response.
    response_end: u64,
    /// Bytes that were received from `end` on. They are returned if the end moves.
    beyond: Bytes,
    /// Bytes of the current response that were returned before: it starts too early.
    skip: u64,
    response: Option<Response>,
    /// The response's `Content-Encoding`.
    encoding: Option<String>,
    /// The server that sent a web page, unless the blob is one.
    page_of: Option<String>,
    foreign: bool,
    /// A request for a part was refused: from then on the whole is asked for.
    without_range: bool,
    /// Whether the server may be asked for parts.
    is_divisible: bool,
    /// The `ETag` of the blob, or for a part that of the stream from which it was taken.
    etag: Option<HeaderValue>,
    /// Whether the stream is one that others do without if it fails.
    is_extra: bool,
    failures: u32,
    since_failure: u64,
    pause: Option<Duration>,
}

/// What a stream returns next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlobChunk {
    /// The next bytes.
    Bytes(Bytes),
    /// The stream broke and will continue at the same byte, after a pause.
    Retrying {
        /// The number of the next attempt; the first retry is 2.
        attempt: u32,
        /// What broke, on one line, without secrets.
        reason: String,
    },
}

impl Repository {
    /// Opens a blob at `offset` (0 for the whole). With an offset only the rest is asked for.
    ///
    /// A stream that breaks off continues at the same byte, as long as it makes progress. Where the
    /// rest alone is refused, the whole is asked for, and what was returned before is skipped. A foreign
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
        let mut stream = BlobStream::new(self, descriptor, offset..descriptor.size);
        if offset < descriptor.size || descriptor.size == 0 {
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
            if let BlobChunk::Bytes(chunk) = chunk {
                bytes.extend_from_slice(&chunk);
            }
        }
        if !descriptor.digest.matches(&bytes) {
            let actual = descriptor.digest.of_same_algorithm(&bytes);
            return Err(RegistryError::new(&object, Reason::Digest { actual }));
        }
        Ok(bytes.freeze())
    }
}

impl BlobStream {
    /// A stream that is not open yet.
    fn new(repository: &Repository, descriptor: &Descriptor, range: Range<u64>) -> Self {
        Self {
            repository: repository.clone(),
            object: blob_object(repository, descriptor),
            descriptor: descriptor.clone(),
            position: range.start,
            end: range.end,
            response_end: range.end,
            beyond: Bytes::new(),
            skip: 0,
            response: None,
            encoding: None,
            page_of: None,
            foreign: false,
            without_range: false,
            is_divisible: false,
            etag: None,
            is_extra: false,
            failures: 0,
            since_failure: 0,
            pause: None,
        }
    }

    /// The next bytes, `None` after the last.
    ///
    /// # Errors
    /// When the stream breaks and cannot be continued, or has more bytes than it may have.
    pub async fn chunk(&mut self) -> Result<Option<BlobChunk>, RegistryError> {
        if let Some(pause) = self.pause.take() {
            sleep(pause).await;
        }
        while self.position < self.end {
            if !self.beyond.is_empty() {
                let bytes = std::mem::take(&mut self.beyond);
                return Ok(self.accept(bytes)?.map(BlobChunk::Bytes));
            }
            let broken = match &mut self.response {
                None => match self.open().await {
                    Ok(()) => continue,
                    Err(error) => error,
                },
                Some(response) => match response.chunk().await {
                    Ok(Some(bytes)) => match self.accept(bytes)? {
                        Some(bytes) => return Ok(Some(BlobChunk::Bytes(bytes))),
                        None => continue,
                    },
                    Ok(None) if self.position == self.response_end => {
                        // The end was moved after the response was asked for.
                        self.response = None;
                        continue;
                    }
                    Ok(None) if self.page_of.is_some() => {
                        return Err(self.wrong_size(self.position));
                    }
                    Ok(None) => {
                        let what = format!("the stream ended after {} bytes", self.position);
                        RegistryError::protocol(&self.object, what)
                    }
                    Err(error) => RegistryError::unreached(&self.object, error),
                },
            };
            let was_open = self.response.take().is_some();
            return self.retrying(was_open, broken).map(Some);
        }
        self.finish().await?;
        Ok(None)
    }

    /// The offset of the next byte in the blob.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
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
        let length = bytes.len() as u64;
        if length > self.response_end - self.position {
            return Err(self.wrong_size(self.position + length));
        }
        let length = length.min(self.end - self.position);
        self.beyond = bytes.split_off(usize::try_from(length).unwrap_or(bytes.len()));
        self.position += length;
        self.since_failure += length;
        Ok(Some(bytes))
    }

    /// Checks that nothing follows the last byte, which also frees the connection for other requests.
    async fn finish(&mut self) -> Result<(), RegistryError> {
        let Some(mut response) = self.response.take() else {
            return Ok(());
        };
        if self.response_end > self.end {
            return Ok(()); // Another stream has the rest.
        }
        match response.chunk().await {
            Ok(Some(more)) if !more.is_empty() => {
                Err(self.wrong_size(self.position + more.len() as u64))
            }
            // All bytes are here; how the connection ends does not matter.
            _ => Ok(()),
        }
    }

    /// Asks for what is missing. The target of a redirect may not serve parts, or not with that
    /// signature, so a refused part is not the end: the registry is asked once more, for the whole.
    pub(crate) async fn open(&mut self) -> Result<(), RegistryError> {
        let is_part = self.position > 0 && !self.without_range;
        match self.ask().await {
            Err(error) if is_part && !self.is_extra && error.may_be_about_range() => {
                tracing::debug!(object = %self.object, error = %report(&error), "asking for the whole blob, without a range");
                self.without_range = true;
                self.ask().await
            }
            result => result,
        }
    }

    async fn ask(&mut self) -> Result<(), RegistryError> {
        let path = format!("blobs/{}", self.descriptor.digest);
        let mut request = RegistryRequest::new(&self.object, Method::GET, path);
        request.is_small = false;
        request.is_extra = self.is_extra;
        request.headers = vec![("accept-encoding", "identity".to_owned())];
        if self.position > 0 && !self.without_range {
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
        // Storage repeats the header of the upload, and a blob may be compressed itself: size and digest decide. The header only explains bytes that are not the blob's.
        let encoding = response.headers().get(header::CONTENT_ENCODING);
        let encoding = encoding.filter(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"));
        self.encoding = encoding.map(|value| {
            let text = String::from_utf8_lossy(value.as_bytes());
            plain(&text, LONGEST_ENCODING)
        });
        self.page_of = has_page_type(response.headers()).then(|| host_and_port(response.url()));
        let size = self.descriptor.size;
        match response.status() {
            StatusCode::PARTIAL_CONTENT => {
                let range = ContentRange::of(response.headers());
                if !range.is_some_and(|range| range.is(self.position..self.end, size)) {
                    return fail(format!(
                        "the registry sent another range than bytes {} to {}",
                        self.position, self.end
                    ));
                }
                self.skip = 0;
                self.response_end = self.end;
            }
            StatusCode::OK if self.is_extra => {
                return fail("the registry sent the whole in place of a part".to_owned());
            }
            StatusCode::OK => {
                if let Some(length) = response.content_length().filter(|l| *l != size) {
                    return Err(self.wrong_size(length));
                }
                self.skip = self.position;
                self.response_end = size;
            }
            other => return fail(format!("the registry answered {other}")),
        }
        self.note_parts(&response)?;
        self.response = Some(response);
        Ok(())
    }

    /// Prepares the next attempt, or gives up: when the failure is permanent, or occurred too often
    /// without a mebibyte in between.
    fn retrying(
        &mut self,
        was_open: bool,
        broken: RegistryError,
    ) -> Result<BlobChunk, RegistryError> {
        if self.since_failure >= PROGRESS {
            self.failures = 0;
        }
        self.since_failure = 0;
        self.failures += 1;
        if self.failures > MOST_FAILURES || !(was_open || broken.is_passing()) {
            return Err(broken);
        }
        let reason = report(&broken);
        tracing::debug!(object = %self.object, position = self.position, reason, "continuing a broken stream");
        self.pause = Some(self.repository.retry().pause(self.failures));
        let attempt = self.failures + 1;
        Ok(BlobChunk::Retrying { attempt, reason })
    }

    fn wrong_size(&self, actual: u64) -> RegistryError {
        let expected = self.descriptor.size;
        if let Some(server) = &self.page_of {
            return RegistryError::web_page(&self.object, server, "blob");
        }
        match &self.encoding {
            None => RegistryError::new(&self.object, Reason::Size { expected, actual }),
            Some(encoding) => {
                let what = format!(
                    "it was sent with Content-Encoding {encoding}, which was not asked for, and has \
                     {actual} bytes, but {expected} in its descriptor"
                );
                RegistryError::protocol(&self.object, what)
            }
        }
    }
}

impl fmt::Debug for BlobStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlobStream")
            .field("object", &self.object)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

fn blob_object(repository: &Repository, blob: &Descriptor) -> Object {
    Object::pulled(repository.name(), Part::Blob(blob.digest.clone()))
}

/// How often a stream is continued without progress.
const MOST_FAILURES: u32 = 5;
/// Bytes between two failures that count as progress.
const PROGRESS: u64 = 1 << 20;
const MOST_ADDRESSES: usize = 5;
/// Characters of a `Content-Encoding` in a message.
const LONGEST_ENCODING: usize = 40;

#[cfg(test)]
mod tests;
