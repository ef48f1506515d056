//! The scripted HTTP server of this workspace's tests. It sends what a script returns, byte by byte
//! where a test needs that, and keeps every request. It uses no other package of the workspace: the
//! tests of `regcred-http` itself run against it.

mod ca;
mod gate;
mod reply;
mod request;
mod wire;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

pub use ca::Ca;
pub use gate::Gate;
pub use reply::Reply;
pub use request::Seen;

/// Decides the reply to a request. It is called for one request after the other.
type Script = dyn Fn(&Seen) -> Reply + Send + Sync;

/// Every request so far.
type Log = Arc<Mutex<Vec<Seen>>>;

/// A running server on a port of its own. It ends when it is dropped.
pub struct Fake {
    port: u16,
    scheme: &'static str,
    log: Log,
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

    /// A server that sends one reply after the other, and the last again and again.
    pub async fn answering(replies: Vec<Reply>) -> Self {
        let asked = Mutex::new(0);
        Self::start(move |_| {
            let mut asked = lock(&asked);
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
        let log = Log::default();
        let port = listener.local_addr().map_or(0, |address| address.port());
        let scheme = if tls.is_some() { "https" } else { "http" };
        let script: Arc<Script> = Arc::new(script);
        let task = tokio::spawn(wire::accept(listener, tls, log.clone(), script));
        Self {
            port,
            scheme,
            log,
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

    /// Every request so far, in order of arrival.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.log).clone()
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

/// A lock that a panicking test does not poison for the others.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
