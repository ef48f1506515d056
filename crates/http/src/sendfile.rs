//! A request over a connection without TLS, whose body the kernel sends from a file: the bytes are not
//! copied through this process.
//!
//! hyper writes the head and reads the response. For it the request has no body; the body follows when
//! it flushes the head.

use std::future::poll_fn;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use rustix::io::Errno;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::sync::mpsc::Receiver;

use crate::cause::Cause;
use crate::file_body::{Exchange, Exchanged, FileContent, FilePart};

impl FileContent for FilePart {
    fn length(&self) -> u64 {
        self.length()
    }

    fn pieces(&self) -> Receiver<io::Result<Bytes>> {
        self.pieces()
    }

    fn exchange(&self, socket: TcpStream, head: http::Request<()>) -> Exchange {
        self.observer.begin();
        let part = self.clone();
        Box::pin(async move {
            let done = exchange(socket, head, part).await;
            done.map_err(|error| Cause::broken(&error))
        })
    }
}

/// Sends a request, and reads the response up to the longest body that is looked at.
async fn exchange(
    socket: TcpStream,
    head: http::Request<()>,
    part: FilePart,
) -> Result<Exchanged, hyper::Error> {
    let at = part.range.start;
    let (mut sender, mut connection) = http1::handshake(FileAfterHead {
        socket: TokioIo::new(socket),
        part,
        at,
        has_head: false,
        is_copied: false,
    })
    .await?;
    let response = async {
        let response = sender.send_request(head.map(|()| Empty::<Bytes>::new()));
        let (head, mut body) = response.await?.into_parts();
        let mut bytes = BytesMut::new();
        let is_whole = loop {
            if bytes.len() >= LONGEST_BODY {
                break false;
            }
            let Some(frame) = body.frame().await else {
                break true;
            };
            let data = frame?.into_data().unwrap_or_default();
            bytes.extend_from_slice(&data);
        };
        Ok::<_, hyper::Error>((http::Response::from_parts(head, bytes.freeze()), is_whole))
    };
    let mut response = pin!(response);
    let mut is_open = true;
    let (response, is_whole) = loop {
        tokio::select! {
            biased;
            response = &mut response => break response?,
            // If it failed, the response fails as well.
            _ = poll_fn(|context| connection.poll_without_shutdown(context)), if is_open => {
                is_open = false;
            }
        }
    };
    let parts = connection.into_parts();
    let is_kept = is_open
        && is_whole
        && is_persistent(&response)
        && parts.read_buf.is_empty()
        && parts.io.at == parts.io.part.range.end;
    let socket = is_kept.then(|| parts.io.socket.into_inner());
    Ok(Exchanged { response, socket })
}

/// Whether the server takes another request on the connection (RFC 9112 section 9.3).
fn is_persistent(response: &http::Response<Bytes>) -> bool {
    let values = response.headers().get_all(http::header::CONNECTION);
    let mut options = values
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    response.version() == http::Version::HTTP_11
        && !options.any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"))
}

/// A connection that sends a part of a file when what was written before is flushed.
struct FileAfterHead {
    socket: TokioIo<TcpStream>,
    part: FilePart,
    /// The next byte of the file.
    at: u64,
    has_head: bool,
    /// Whether the file system is one that the kernel does not send from.
    is_copied: bool,
}

impl FileAfterHead {
    fn poll_file(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.at < self.part.range.end {
            ready!(self.socket.inner().poll_write_ready(context))?;
            match self.send() {
                Ok(0) => {
                    let error = io::ErrorKind::UnexpectedEof.into();
                    return Poll::Ready(Err(self.part.fail(error)));
                }
                Ok(sent) => {
                    self.at += sent as u64;
                    self.part.observer.sent(sent as u64);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if is_unsupported(&error) && !self.is_copied => self.is_copied = true,
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Sends the next bytes of the file, 0 at its end.
    fn send(&self) -> io::Result<usize> {
        let socket = self.socket.inner();
        let left = self.part.range.end - self.at;
        let limit = |most: usize| most.min(usize::try_from(left).unwrap_or(most));
        if self.is_copied {
            let mut bytes = vec![0; limit(COPIED)];
            let read = self.part.file.read_at(&mut bytes, self.at);
            let read = read.map_err(|error| self.part.fail(error))?;
            return socket.try_write(&bytes[..read]);
        }
        let mut at = self.at;
        socket.try_io(Interest::WRITABLE, || {
            match rustix::fs::sendfile(socket, &*self.part.file, Some(&mut at), limit(SENT)) {
                Err(Errno::IO) => Err(self.part.fail(Errno::IO.into())),
                sent => Ok(sent?),
            }
        })
    }
}

impl Read for FileAfterHead {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl Write for FileAfterHead {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.has_head = true;
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.has_head {
            ready!(self.poll_file(context))?;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

fn is_unsupported(error: &io::Error) -> bool {
    let number = error.raw_os_error();
    [Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP]
        .iter()
        .any(|known| number == Some(known.raw_os_error()))
}

/// Responses to uploads are empty or name an error.
const LONGEST_BODY: usize = 64 * 1024;
/// The most that is sent at a time, about what a socket takes: other requests of this thread wait for
/// the disk meanwhile.
const SENT: usize = 4 << 20;
/// As [`SENT`], where the bytes are copied.
const COPIED: usize = 64 * 1024;
