//! One canned answer, as cheaply as a socket gives it: what clients are timed against. A thread,
//! blocking sockets, `Connection: close`, each answer in one write.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::Tls;

/// A running endpoint. Dropping it ends it.
pub struct StaticEndpoint {
    url: String,
    authority: String,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Chooses the answer by the request's first line, `POST / HTTP/1.1`: extra header lines, each
/// with its line end, and the body.
pub type Route = fn(&str) -> (&'static str, String);

impl StaticEndpoint {
    /// Starts an http endpoint.
    #[must_use]
    pub fn start(route: Route) -> Self {
        Self::listen(route, None)
    }

    /// Starts an https endpoint.
    #[must_use]
    pub fn start_tls(route: Route, tls: &Tls) -> Self {
        Self::listen(route, Some(tls.config()))
    }

    /// `http://127.0.0.1:PORT` or its https twin.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    fn listen(route: Route, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free loopback port");
        let authority = listener.local_addr().expect("a bound address").to_string();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let stopping = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopping);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let _ = stream.set_nodelay(true);
                // A client that breaks off is that client's matter.
                let _ = match &tls {
                    None => answer(&stream, &stream, route),
                    Some(config) => answer_tls(stream, Arc::clone(config), route),
                };
            }
        });
        Self {
            url: format!("{scheme}://{authority}"),
            authority,
            stopping,
            thread: Some(thread),
        }
    }
}

impl Drop for StaticEndpoint {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
        // Wakes the thread out of its wait for a connection.
        let _ = TcpStream::connect(&self.authority);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn answer_tls(stream: TcpStream, config: Arc<ServerConfig>, route: Route) -> std::io::Result<()> {
    let connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut stream = StreamOwned::new(connection, stream);
    let request = read_request(&mut stream)?;
    stream.write_all(&reply(&request, route))?;
    stream.conn.send_close_notify();
    stream.flush()?;
    stream.sock.shutdown(Shutdown::Write)
}

fn answer(mut from: impl Read, mut to: impl Write, route: Route) -> std::io::Result<()> {
    let request = read_request(&mut from)?;
    to.write_all(&reply(&request, route))
}

fn reply(first_line: &str, route: Route) -> Vec<u8> {
    let (headers, body) = route(first_line);
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    )
    .into_bytes()
}

/// Reads a whole request and returns its first line.
fn read_request(from: &mut impl Read) -> std::io::Result<String> {
    let mut bytes = Vec::with_capacity(4096);
    let mut part = [0_u8; 4096];
    loop {
        let count = from.read(&mut part)?;
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(&part[..count]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .and_then(|(_, value)| value.trim().parse().ok())
            .unwrap_or(0);
        if body.len() >= length {
            return Ok(head.lines().next().unwrap_or_default().to_owned());
        }
    }
}
