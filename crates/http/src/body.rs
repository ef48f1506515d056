//! What a request carries.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::sync::mpsc::Receiver;

use crate::file_body::{BodyObserver, FileContent, FilePart};

/// The body of a request: bytes, or for what is too large for memory a part of a file or a stream of
/// known length.
#[derive(Clone)]
pub struct Body(Content);

#[derive(Clone)]
enum Content {
    Bytes(Bytes),
    Stream { length: u64, open: Arc<Open> },
    File(Arc<dyn FileContent>),
}

type Open = dyn Fn() -> Receiver<io::Result<Bytes>> + Send + Sync;

impl Body {
    /// A stream of `length` bytes. `open` is called for each attempt of the request and returns
    /// the stream from its first byte on; one of another length breaks the request.
    pub fn stream(
        length: u64,
        open: impl Fn() -> Receiver<io::Result<Bytes>> + Send + Sync + 'static,
    ) -> Self {
        let open = Arc::new(open);
        Self(Content::Stream { length, open })
    }

    /// A part of a file, which is read from its first byte on for each attempt of the request.
    pub fn file(file: &Arc<File>, range: Range<u64>, observer: Arc<dyn BodyObserver>) -> Self {
        Self(Content::File(Arc::new(FilePart {
            file: file.clone(),
            range,
            observer,
        })))
    }

    /// The length in bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        match &self.0 {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Stream { length, .. } => *length,
            Content::File(file) => file.length(),
        }
    }

    /// The bytes, if they are in memory.
    pub(crate) fn as_bytes(&self) -> Option<&Bytes> {
        match &self.0 {
            Content::Bytes(bytes) => Some(bytes),
            Content::Stream { .. } | Content::File(_) => None,
        }
    }

    pub(crate) fn open(&self) -> reqwest::Body {
        match &self.0 {
            Content::Bytes(bytes) => bytes.clone().into(),
            Content::Stream { length, open } => reqwest::Body::wrap(Pieces {
                pieces: open(),
                length: *length,
            }),
            Content::File(file) => reqwest::Body::wrap(Pieces {
                pieces: file.pieces(),
                length: file.length(),
            }),
        }
    }

    /// The file of the body, if it is one.
    pub(crate) fn as_file(&self) -> Option<&dyn FileContent> {
        match &self.0 {
            Content::File(file) => Some(&**file),
            Content::Bytes(_) | Content::Stream { .. } => None,
        }
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self(Content::Bytes(bytes.into()))
    }
}

struct Pieces {
    pieces: Receiver<io::Result<Bytes>>,
    length: u64,
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.pieces.poll_recv(context).map_ok(Frame::data)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
