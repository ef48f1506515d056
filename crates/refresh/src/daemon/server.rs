//! Health, metrics and the status page: four read-only documents.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use regcred_core::{is_shown, without_secrets};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;

use crate::status::Status;

/// How much of the process its clients may use.
struct Limits {
    /// Open connections.
    connections: usize,
    /// The time until a request is complete.
    read: Duration,
    /// The time until its answer is read.
    life: Duration,
}

/// Serves requests until it is aborted.
pub(super) async fn serve(listener: TcpListener, status: Arc<Status>) {
    LIMITS.serve(&listener, &status).await;
}

impl Limits {
    /// A new connection is always served: of too many the oldest is closed, which is the slowest, since each
    /// ends with its first answer. A kubelet that asks for `/healthz` does not wait for other clients.
    async fn serve(&self, listener: &TcpListener, status: &Arc<Status>) {
        let mut open = JoinSet::new();
        let mut oldest_first = VecDeque::<AbortHandle>::new();
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            while let Some(ended) = open.try_join_next() {
                if ended.is_err_and(|error| error.is_panic()) {
                    status.panicked("page");
                }
            }
            oldest_first.retain(|connection| !connection.is_finished());
            if oldest_first.len() >= self.connections
                && let Some(oldest) = oldest_first.pop_front()
            {
                oldest.abort();
            }
            let connection = self.connection(stream, Arc::clone(status));
            oldest_first.push_back(open.spawn(connection));
        }
    }

    /// Answers one request.
    fn connection(
        &self,
        stream: TcpStream,
        status: Arc<Status>,
    ) -> impl Future<Output = ()> + use<> {
        let mut server = http1::Builder::new();
        server
            .timer(TokioTimer::new())
            .header_read_timeout(self.read)
            .max_buf_size(HEAD)
            .keep_alive(false);
        let life = self.life;
        async move {
            let service = service_fn(|request: Request<Incoming>| {
                let answer = answer(&request, &status);
                async move { Ok::<_, Infallible>(answer) }
            });
            let _ = timeout(life, server.serve_connection(TokioIo::new(stream), service)).await;
        }
    }
}

fn answer(request: &Request<Incoming>, status: &Status) -> Response<Full<Bytes>> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return document(405, TEXT, "only GET and HEAD are allowed\n");
    }
    match request.uri().path() {
        "/" => document(200, "text/html; charset=utf-8", &status.page()),
        "/metrics" => document(
            200,
            "text/plain; version=0.0.4; charset=utf-8",
            &status.metrics(),
        ),
        "/healthz" if status.is_alive() => document(200, TEXT, "ok\n"),
        "/healthz" => document(503, TEXT, "the main loop is stalled\n"),
        "/readyz" => match status.ready() {
            Ok(()) => document(200, TEXT, "ok\n"),
            Err(reasons) => document(503, TEXT, &(reasons + "\n")),
        },
        _ => document(
            404,
            TEXT,
            "not found; the pages are /, /healthz, /readyz and /metrics\n",
        ),
    }
}

/// The one place that writes pages: without known secrets, and without characters that turn or hide text.
fn document(code: u16, kind: &str, text: &str) -> Response<Full<Bytes>> {
    let keep = |c: char| c == '\n' || is_shown(c);
    let text = without_secrets(text);
    let text: String = text
        .chars()
        .map(|c| if keep(c) { c } else { ' ' })
        .collect();
    let response = Response::builder()
        .status(code)
        .header("content-type", kind)
        .header("cache-control", "no-store")
        .header("x-content-type-options", "nosniff")
        .header("referrer-policy", "no-referrer")
        .header(
            "content-security-policy",
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        )
        .body(Full::new(Bytes::from(text)));
    response.unwrap_or_default()
}

const TEXT: &str = "text/plain; charset=utf-8";
/// The longest head of a request, in bytes.
const HEAD: usize = 16 << 10;
const LIMITS: Limits = Limits {
    connections: 64,
    read: Duration::from_secs(10),
    life: Duration::from_secs(30),
};

#[cfg(test)]
mod tests;
