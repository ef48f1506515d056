//! A server for tests that answers what a script says, byte by byte if need be. For the tests of
//! this workspace, behind the feature `testing`.

mod ca;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

pub use ca::Ca;

/// A request as it was on the wire.
#[derive(Clone, Debug)]
pub struct Seen {
    /// `GET`
    pub method: String,
    /// What stands behind the method, with its query: `/path?a=b`, and `host:port` of a `CONNECT`.
    pub path: String,
    /// The body as text.
    pub body: String,
    head: String,
}

impl Seen {
    /// A header's value, by its name in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The value of `Authorization`.
    #[must_use]
    pub fn authorization(&self) -> Option<&str> {
        self.header("authorization")
    }

    /// `GET /path?a=b`
    #[must_use]
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    content: Content,
    close: bool,
}

#[derive(Clone, Debug)]
enum Content {
    Http {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
        cut: Option<usize>,
        chunked: bool,
    },
    /// Pieces, each after its pause.
    Raw(Vec<(Duration, Vec<u8>)>),
}

impl Reply {
    /// An answer without headers of its own and without a body.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self {
            content: Content::Http {
                status,
                headers: Vec::new(),
                body: Vec::new(),
                cut: None,
                chunked: false,
            },
            close: false,
        }
    }

    /// 200 with this body.
    #[must_use]
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self::new(200).body(body)
    }

    /// These bytes and no others.
    #[must_use]
    pub fn raw(bytes: &str) -> Self {
        Self {
            content: Content::Raw(vec![(Duration::ZERO, bytes.into())]),
            close: false,
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Content::Http { headers, .. } = &mut self.content {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        if let Content::Http { body, .. } = &mut self.content {
            *body = bytes.into();
        }
        self
    }

    /// Sends only this much of the body, then closes the connection.
    #[must_use]
    pub fn cut(mut self, at: usize) -> Self {
        if let Content::Http { cut, .. } = &mut self.content {
            *cut = Some(at);
        }
        self.close()
    }

    /// Does not say how long the body is.
    #[must_use]
    pub fn chunked(mut self) -> Self {
        if let Content::Http { chunked, .. } = &mut self.content {
            *chunked = true;
        }
        self
    }

    /// Adds bytes to a raw answer, sent after a pause.
    #[must_use]
    pub fn then_after(mut self, pause: Duration, bytes: &str) -> Self {
        if let Content::Raw(pieces) = &mut self.content {
            pieces.push((pause, bytes.into()));
        }
        self
    }

    /// Closes the connection behind the answer.
    #[must_use]
    pub fn close(mut self) -> Self {
        self.close = true;
        self
    }

    fn pieces(&self, head_only: bool) -> Vec<(Duration, Vec<u8>)> {
        let Content::Http {
            status,
            headers,
            body,
            cut,
            chunked,
        } = &self.content
        else {
            return match &self.content {
                Content::Raw(pieces) => pieces.clone(),
                Content::Http { .. } => Vec::new(),
            };
        };
        let mut head = format!("HTTP/1.1 {status} X\r\n");
        match chunked {
            true => head.push_str("transfer-encoding: chunked\r\n"),
            false => head.push_str(&format!("content-length: {}\r\n", body.len())),
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let mut bytes = format!("{head}\r\n").into_bytes();
        let body = &body[..cut.unwrap_or(body.len())];
        if !head_only && !chunked {
            bytes.extend_from_slice(body);
        } else if !head_only {
            for piece in body.chunks(1000) {
                bytes.extend(format!("{:x}\r\n", piece.len()).bytes());
                bytes.extend_from_slice(piece);
                bytes.extend(b"\r\n");
            }
            if cut.is_none() {
                bytes.extend(b"0\r\n\r\n");
            }
        }
        vec![(Duration::ZERO, bytes)]
    }
}

type Script = dyn Fn(&Seen) -> Reply + Send + Sync;

/// A running server on a port of its own. It ends when it is dropped.
pub struct Fake {
    port: u16,
    scheme: &'static str,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl Fake {
    /// A server of plain http that answers by the script.
    pub async fn start(script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::on(bind().await, None, script)
    }

    /// The same over TLS.
    pub async fn start_tls(
        config: ServerConfig,
        script: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::on(bind().await, Some(Arc::new(config).into()), script)
    }

    /// A server that gives one reply after the other, and the last again and again.
    pub async fn answering(replies: Vec<Reply>) -> Self {
        let asked = Mutex::new(0);
        Self::start(move |_| {
            let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
            let reply = replies[replies.len().saturating_sub(1).min(*asked)].clone();
            *asked += 1;
            reply
        })
        .await
    }

    /// A server on a listener that was bound before, so that its script can know its own address.
    pub fn on(
        listener: TcpListener,
        tls: Option<TlsAcceptor>,
        script: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, script): (_, Arc<Script>) = (seen.clone(), Arc::new(script));
        let port = listener.local_addr().map_or(0, |address| address.port());
        let scheme = if tls.is_some() { "https" } else { "http" };
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (log, script, tls) = (log.clone(), script.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, &log, &*script).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, &log, &*script).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            port,
            scheme,
            seen,
            task,
        }
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `127.0.0.1:port`
    #[must_use]
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The URL of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.host())
    }

    /// Every request so far.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.clone()
    }

    /// The requests whose path starts so.
    #[must_use]
    pub fn seen_at(&self, path: &str) -> Vec<Seen> {
        let mut seen = self.seen();
        seen.retain(|request| request.path.starts_with(path));
        seen
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A listener on a free port of 127.0.0.1.
pub async fn bind() -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").await;
    listener.expect("a free port on this machine")
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    log: &Mutex<Vec<Seen>>,
    script: &Script,
) {
    while let Some(seen) = receive(&mut stream).await {
        let reply = script(&seen);
        let pieces = reply.pieces(seen.method == "HEAD");
        log.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(seen);
        for (pause, bytes) in pieces {
            tokio::time::sleep(pause).await;
            if stream.write_all(&bytes).await.is_err() || stream.flush().await.is_err() {
                return;
            }
        }
        if reply.close {
            let _ = stream.shutdown().await;
            return;
        }
    }
}

async fn receive(stream: &mut (impl AsyncRead + Unpin)) -> Option<Seen> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let (line, rest) = head.split_once("\r\n")?;
    let mut words = line.split(' ');
    let mut seen = Seen {
        method: words.next()?.to_owned(),
        path: words.next()?.to_owned(),
        body: String::new(),
        head: rest.to_owned(),
    };
    let length = seen.header("content-length").and_then(|l| l.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await.ok()?;
    seen.body = String::from_utf8(body).ok()?;
    Some(seen)
}
