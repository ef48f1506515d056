//! A part of a file as the body of a request.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{self, Receiver, Sender};

use crate::cause::Cause;

/// Learns what becomes of a body that is a part of a file.
pub trait BodyObserver: Send + Sync {
    /// An attempt of the request begins with the first byte.
    fn begin(&self);
    /// So many more bytes were handed over.
    fn sent(&self, bytes: u64);
    /// The file cannot be read. The request only reports that its body ended.
    fn failed(&self, error: io::Error);
}

/// The file of a body. A trait, so that a program that sends no file has no code for it.
pub(crate) trait FileContent: Send + Sync {
    fn length(&self) -> u64;
    /// The bytes in pieces, which a thread reads.
    fn pieces(&self) -> Receiver<io::Result<Bytes>>;
    /// One request over a connection without TLS, and its response with a bounded body. The length
    /// and the host are in the headers.
    fn exchange(&self, socket: TcpStream, head: http::Request<()>) -> Exchange;
}

pub(crate) type Exchange = Pin<Box<dyn Future<Output = Result<Exchanged, Cause>> + Send>>;

/// A response, and its connection if that is ready for another request.
pub(crate) struct Exchanged {
    pub(crate) response: http::Response<Bytes>,
    pub(crate) socket: Option<TcpStream>,
}

#[derive(Clone)]
pub(crate) struct FilePart {
    pub(crate) file: Arc<File>,
    pub(crate) range: Range<u64>,
    pub(crate) observer: Arc<dyn BodyObserver>,
}

impl FilePart {
    pub(crate) fn length(&self) -> u64 {
        self.range.end - self.range.start
    }

    pub(crate) fn pieces(&self) -> Receiver<io::Result<Bytes>> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let part = self.clone();
        part.observer.begin();
        tokio::task::spawn_blocking(move || part.read(&sender));
        receiver
    }

    /// Notes that the file cannot be read; the error for the request.
    pub(crate) fn fail(&self, error: io::Error) -> io::Error {
        self.observer.failed(error);
        io::Error::other("the file cannot be read")
    }

    fn read(&self, sender: &Sender<io::Result<Bytes>>) {
        let mut at = self.range.start;
        while at < self.range.end {
            let length = PIECE.min(usize::try_from(self.range.end - at).unwrap_or(PIECE));
            let mut bytes = vec![0; length];
            let read = self.file.read_exact_at(&mut bytes, at);
            let piece = match read {
                Ok(()) => Ok(bytes.into()),
                Err(error) => Err(self.fail(error)),
            };
            let is_last = piece.is_err();
            at += length as u64;
            self.observer.sent(length as u64);
            // An attempt that has ended reads no further.
            if sender.blocking_send(piece).is_err() || is_last {
                return;
            }
        }
    }
}

/// What is read from a file at a time.
const PIECE: usize = 256 * 1024;
/// Pieces that wait to be sent.
const QUEUE: usize = 2;
