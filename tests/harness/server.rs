//! The scripted server in a thread of its own, with the `Date` that every cloud sends: the base of
//! every fake.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Mutex, MutexGuard, PoisonError};

use regcred_core::Clock;
use regcred_http_testing::Fake;
pub use regcred_http_testing::{Gate, Reply, Seen};
use tokio_rustls::TlsAcceptor;

use crate::Tls;
use crate::thread::Thread;

/// A running server. It stops, and drops its connections, when the value is dropped.
pub struct Server {
    fake: Fake,
    address: SocketAddr,
    _thread: Thread,
}

/// Decides the reply to one request. Called for one request after another, on the server's
/// thread; what it does must not wait.
pub trait Handler: Send + Sync + 'static {
    /// The reply.
    fn handle(&self, request: &Seen) -> Reply;
}

impl<F: Fn(&Seen) -> Reply + Send + Sync + 'static> Handler for F {
    fn handle(&self, request: &Seen) -> Reply {
        self(request)
    }
}

impl Server {
    /// Starts a plain http server.
    pub fn start(handler: impl Handler) -> Self {
        Self::listen(handler, None)
    }

    /// Starts an https server with that certificate.
    pub fn start_tls(handler: impl Handler, tls: &Tls) -> Self {
        Self::listen(handler, Some(tls.acceptor()))
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// `http://127.0.0.1:PORT` or its https twin, without a final slash.
    #[must_use]
    pub fn url(&self) -> String {
        self.fake.url("")
    }

    /// Every request so far, in order of arrival.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.fake.seen()
    }

    /// How many requests so far had a path that begins so.
    #[must_use]
    pub fn count(&self, path: &str) -> usize {
        self.fake.seen_at(path).len()
    }

    fn listen(handler: impl Handler, tls: Option<TlsAcceptor>) -> Self {
        let (thread, address, fake) = Thread::serve(0, |listener| {
            Fake::on(listener, tls, move |request| {
                let date = Clock::system().now().format("%a, %d %b %Y %H:%M:%S GMT");
                let reply = handler.handle(request);
                reply.default_header("date", date.to_string())
            })
        });
        Self {
            fake,
            address,
            _thread: thread,
        }
    }
}

/// Passes a request on to the server of plain http at that authority, and returns its answer. By HTTP/1.0,
/// whose answers have no chunks.
///
/// # Panics
/// When that server does not answer.
#[must_use]
pub fn forward(authority: &str, request: &Seen) -> Reply {
    let mut sent = format!("{} HTTP/1.0\r\nconnection: close\r\n", request.line()).into_bytes();
    for (name, value) in &request.headers {
        if name != "connection" {
            sent.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
    }
    sent.extend(b"\r\n");
    sent.extend_from_slice(&request.body);
    let mut stream = TcpStream::connect(authority).expect("a server");
    stream.write_all(&sent).expect("a request");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let (head, body) = answer.split_at(end.expect("a head") + 4);
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let mut reply = Reply::new(status.expect("a status")).body(body);
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        match &*name.to_ascii_lowercase() {
            // The length of what is not sent.
            "content-length" if request.method == "HEAD" => {
                reply = reply.body(vec![0; value.parse().unwrap_or_default()]);
            }
            "content-length" | "connection" => {}
            _ => reply = reply.header(name, value),
        }
    }
    reply
}

/// The fields of a POSTed form; `None` if the body is not declared as a form, or a name comes twice.
pub(crate) fn form_fields(request: &Seen) -> Option<HashMap<String, String>> {
    let media_type = request.header("content-type").unwrap_or_default();
    let pairs = request.form();
    let count = pairs.len();
    let fields: HashMap<String, String> = pairs.into_iter().collect();
    let is_form = media_type.starts_with("application/x-www-form-urlencoded");
    (is_form && fields.len() == count).then_some(fields)
}

/// A lock that a panicking test does not poison for the others.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
