//! A small HTTP/1.1 server on loopback: the ground under every fake.

mod gate;
mod reply;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use bytes::Bytes;
use http::{HeaderMap, Method};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::Tls;

pub use gate::Gate;
pub use reply::Reply;
use reply::WireBody;

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
