//! Health, metrics and the status page: four read-only documents.

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
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::status::Status;

/// Serves requests until it is aborted.
pub(super) async fn serve(listener: TcpListener, status: Arc<Status>) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let status = Arc::clone(&status);
        tokio::spawn(async move {
            let service = service_fn(|request: Request<Incoming>| {
                let answer = answer(&request, &status);
                async move { Ok::<_, Infallible>(answer) }
            });
            let mut server = http1::Builder::new();
            server.timer(TokioTimer::new()).header_read_timeout(READ);
            let _ = timeout(LIFE, server.serve_connection(TokioIo::new(stream), service)).await;
            drop(permit);
        });
    }
}

fn answer(request: &Request<Incoming>, status: &Status) -> Response<Full<Bytes>> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return document(405, TEXT, "only GET and HEAD are allowed\n".to_owned());
    }
    match request.uri().path() {
        "/" => document(200, "text/html; charset=utf-8", status.page()),
        "/metrics" => document(
            200,
            "text/plain; version=0.0.4; charset=utf-8",
            status.metrics(),
        ),
        "/healthz" if status.is_alive() => document(200, TEXT, "ok\n".to_owned()),
        "/healthz" => document(503, TEXT, "the main loop is stalled\n".to_owned()),
        "/readyz" => match status.ready() {
            Ok(()) => document(200, TEXT, "ok\n".to_owned()),
            Err(reasons) => document(503, TEXT, reasons + "\n"),
        },
        _ => document(
            404,
            TEXT,
            "not found; the pages are /, /healthz, /readyz and /metrics\n".to_owned(),
        ),
    }
}

fn document(code: u16, kind: &str, text: String) -> Response<Full<Bytes>> {
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
const CONNECTIONS: usize = 64;
const READ: Duration = Duration::from_secs(10);
const LIFE: Duration = Duration::from_secs(120);
