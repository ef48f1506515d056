//! Parts of a blob, read over connections of their own while its stream is read.

use std::ops::Range;

use regcred_http::{Response, StatusCode, header};

use super::BlobStream;
use crate::client::error::RegistryError;

impl BlobStream {
    /// A stream of one part, not open yet; `None` where parts are not asked for. It is one that others do
    /// without: it asks no other server, and only for these bytes, and is not repeated when it is refused.
    pub(crate) fn part(&self, range: Range<u64>) -> Option<Self> {
        if !self.is_divisible || self.foreign || self.without_range {
            return None;
        }
        let mut part = Self::new(&self.repository, &self.descriptor, range);
        part.etag.clone_from(&self.etag);
        part.is_extra = true;
        Some(part)
    }

    /// The offset after the last byte that is returned.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// Returns bytes up to this offset, not before the position, and keeps what is received after it.
    pub(crate) fn end_at(&mut self, end: u64) {
        self.end = end.clamp(self.position, self.descriptor.size);
    }

    /// Returns this range of the blob next, by a new request.
    pub(crate) fn move_to(&mut self, range: Range<u64>) {
        self.response = None;
        self.beyond.clear();
        (self.position, self.end) = (range.start, range.end);
        (self.failures, self.since_failure, self.pause) = (0, 0, None);
    }

    /// Notes in the head of a response whether parts may be asked for. What a server makes up while it
    /// sends, such as an encoding, has other parts.
    pub(super) fn note_parts(&mut self, response: &Response) -> Result<(), RegistryError> {
        let headers = response.headers();
        let etag = headers.get(header::ETAG);
        if self.is_extra {
            let is_other = |known| etag.is_some_and(|etag| etag != known);
            if self.etag.as_ref().is_some_and(is_other) {
                let what = "the ETag of a part is not that of the blob".to_owned();
                return Err(RegistryError::protocol(&self.object, what));
            }
            return Ok(());
        }
        self.etag = etag.cloned();
        let ignores_ranges = response.status() == StatusCode::OK && self.position > 0;
        let refuses_ranges = headers
            .get(header::ACCEPT_RANGES)
            .is_some_and(|units| units.as_bytes().eq_ignore_ascii_case(b"none"));
        let is_other_content = self.encoding.is_some() || self.page_of.is_some();
        self.is_divisible = !ignores_ranges && !refuses_ranges && !is_other_content;
        Ok(())
    }
}
