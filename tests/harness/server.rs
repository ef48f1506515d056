//! A small HTTP/1.1 server on loopback: the ground under every fake.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, Method, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::Tls;

/// A running server. It stops, and drops its connections, when the value is dropped.
pub struct Server {
    address: SocketAddr,
    scheme: &'static str,
    log: Arc<Mutex<Vec<Seen>>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Decides the answer to one request. Called for one request after another, on the server's
/// thread; what it does must not wait.
pub trait Handler: Send + Sync + 'static {
    /// The answer.
    fn handle(&self, request: &Seen) -> Reply;
}

impl<F: Fn(&Seen) -> Reply + Send + Sync + 'static> Handler for F {
    fn handle(&self, request: &Seen) -> Reply {
        self(request)
    }
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Method.
    pub method: Method,
    /// Path as sent, still percent-encoded.
    pub path: String,
    /// Query as sent, without the question mark; empty when there was none.
    pub query: String,
    /// Headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Seen {
    /// A header's value as text; `None` when it is absent or not ASCII.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The decoded values of a query parameter, in order.
    #[must_use]
    pub fn params(&self, name: &str) -> Vec<String> {
        url::form_urlencoded::parse(self.query.as_bytes())
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
            .collect()
    }

    /// The decoded pairs of a form body.
    #[must_use]
    pub fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(&self.body)
            .into_owned()
            .collect()
    }
}

/// An answer, or a way of not answering.
#[derive(Clone, Debug)]
pub struct Reply {
    status: StatusCode,
    headers: Vec<(String, String)>,
    body: Body,
}

#[derive(Clone, Debug)]
enum Body {
    Whole(Bytes),
    /// The first bytes of a longer body, then the connection breaks off.
    Cut(Bytes, usize),
    /// The first bytes of a longer body, then nothing more comes.
    Stall(Bytes, usize),
    /// No answer at all: the connection stays open.
    Hang,
    /// No answer at all: the connection is closed.
    Close,
}

impl Reply {
    /// An answer with a body and its `Content-Type`.
    pub fn new(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self::bare(status, Body::Whole(body.into())).with("content-type", content_type)
    }

    /// An answer with a JSON body.
    #[must_use]
    pub fn json(status: u16, value: &serde_json::Value) -> Self {
        Self::new(status, "application/json", value.to_string())
    }

    /// A plain-text answer.
    #[must_use]
    pub fn text(status: u16, text: &str) -> Self {
        Self::new(status, "text/plain; charset=utf-8", text.to_owned())
    }

    /// An answer without a body.
    #[must_use]
    pub fn empty(status: u16) -> Self {
        Self::bare(status, Body::Whole(Bytes::new()))
    }

    /// A connection that is closed without an answer.
    #[must_use]
    pub fn close() -> Self {
        Self::bare(200, Body::Close)
    }

    /// A connection on which no answer ever comes.
    #[must_use]
    pub fn hang() -> Self {
        Self::bare(200, Body::Hang)
    }

    /// This answer with one more header.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// This answer, whose connection breaks off after `bytes` of its body.
    #[must_use]
    pub fn cut_after(mut self, bytes: usize) -> Self {
        if let Body::Whole(whole) = self.body {
            self.body = Body::Cut(whole, bytes);
        }
        self
    }

    /// This answer, of whose body only `bytes` ever come.
    #[must_use]
    pub fn stall_after(mut self, bytes: usize) -> Self {
        if let Body::Whole(whole) = self.body {
            self.body = Body::Stall(whole, bytes);
        }
        self
    }

    fn bare(status: u16, body: Body) -> Self {
        Self {
            status: StatusCode::from_u16(status).expect("a three-digit status"),
            headers: Vec::new(),
            body,
        }
    }

    /// The reply on the wire; `None` closes the connection without one.
    async fn into_response(self, head: bool) -> Option<hyper::Response<WireBody>> {
        let mut response = hyper::Response::builder().status(self.status);
        for (name, value) in &self.headers {
            response = response.header(name, value);
        }
        let (whole, sent, breaks) = match self.body {
            Body::Close => return None,
            Body::Hang => std::future::pending().await,
            Body::Whole(whole) => {
                if head {
                    response = response.header("content-length", whole.len());
                }
                let body = if head { Bytes::new() } else { whole };
                let body = Full::new(body).map_err(|never| match never {});
                return Some(response.body(body.boxed_unsync()).expect("sound headers"));
            }
            Body::Cut(whole, sent) => (whole, sent, true),
            Body::Stall(whole, sent) => (whole, sent, false),
        };
        let first = whole.slice(..sent.min(whole.len()));
        let frames =
            stream::once(async move { Ok(Frame::data(first)) }).chain(stream::once(async move {
                if !breaks {
                    return std::future::pending().await;
                }
                // What was written must leave the buffers before the connection breaks off.
                tokio::time::sleep(Duration::from_millis(20)).await;
                Err(io::Error::other("the fake breaks off here"))
            }));
        let response = response.header("content-length", whole.len());
        let body = StreamBody::new(frames).boxed_unsync();
        Some(response.body(body).expect("sound headers"))
    }
}

impl Server {
    /// Starts a plain http server.
    pub fn start(handler: impl Handler) -> Self {
        Self::listen(Arc::new(handler), None)
    }

    /// Starts an https server with that certificate.
    pub fn start_tls(handler: impl Handler, tls: &Tls) -> Self {
        Self::listen(Arc::new(handler), Some(tls.acceptor()))
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
        format!("{}://{}", self.scheme, self.address)
    }

    /// Every request so far, in order of arrival.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.log).clone()
    }

    /// How many requests so far had a path that begins so.
    #[must_use]
    pub fn count(&self, path: &str) -> usize {
        let log = lock(&self.log);
        log.iter().filter(|r| r.path.starts_with(path)).count()
    }

    fn listen(handler: Arc<dyn Handler>, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free loopback port");
        let address = listener.local_addr().expect("a bound address");
        listener.set_nonblocking(true).expect("a socket option");
        let log = Arc::new(Mutex::new(Vec::new()));
        let (stop, stopped) = oneshot::channel();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let served = Served {
            handler,
            log: Arc::clone(&log),
        };
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener, tls, served) => {}
                    _ = stopped => {}
                }
            });
        });
        Self {
            address,
            scheme,
            log,
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[derive(Clone)]
struct Served {
    handler: Arc<dyn Handler>,
    log: Arc<Mutex<Vec<Seen>>>,
}

impl Served {
    async fn answer(
        self,
        request: hyper::Request<Incoming>,
    ) -> Result<hyper::Response<WireBody>, io::Error> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let seen = Seen {
            path: head.uri.path().to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            method: head.method,
            headers: head.headers,
            body,
        };
        let is_head = seen.method == Method::HEAD;
        lock(&self.log).push(seen.clone());
        let reply = self.handler.handle(&seen).into_response(is_head).await;
        reply.ok_or_else(|| io::Error::other("the fake closes the connection"))
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, served: Served) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listening socket");
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let _ = stream.set_nodelay(true);
        let (tls, served) = (tls.clone(), served.clone());
        tokio::spawn(async move {
            match tls {
                None => converse(stream, served).await,
                Some(tls) => {
                    // A client that refuses the certificate is that client's matter.
                    if let Ok(stream) = tls.accept(stream).await {
                        converse(stream, served).await;
                    }
                }
            }
        });
    }
}

async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin, served: Served) {
    let service = service_fn(move |request| served.clone().answer(request));
    // Errors here are the ones that the fakes make on purpose, or a client that went away.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// A lock that a panicking test does not poison for the others.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

type WireBody = UnsyncBoxBody<Bytes, io::Error>;
