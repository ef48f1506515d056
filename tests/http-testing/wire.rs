//! HTTP/1.1 as far as the clients under test speak it.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::io::{AsyncWriteExt as _, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::reply::End;
use super::{Log, Script, Seen, lock};

/// Serves every connection, until it is dropped and ends them.
pub(super) async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    log: Log,
    script: Arc<Script>,
) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let (log, script, tls) = (log.clone(), script.clone(), tls.clone());
        while connections.try_join_next().is_some() {}
        connections.spawn(async move {
            let mut stream = stream;
            if let Some(tls) = tls {
                // A client that refuses the certificate is that client's matter.
                if let Ok(stream) = tls.accept(stream).await {
                    serve(stream, &log, &*script).await;
                }
            } else if begins_handshake(&stream).await {
                refuse_handshake(stream).await;
            } else if serve(&mut stream, &log, &*script).await == Some(End::Reset) {
                let _ = stream.set_zero_linger();
            }
        });
    }
}

/// Whether the client begins with a handshake of TLS.
async fn begins_handshake(stream: &TcpStream) -> bool {
    let mut first = [0];
    matches!(stream.peek(&mut first).await, Ok(1)) && first == [0x16]
}

/// Answers a handshake as Go's server does on a port of plain http. The request is not logged.
async fn refuse_handshake(mut stream: TcpStream) {
    let mut hello = [0; 16 * 1024];
    let _ = stream.read(&mut hello).await;
    let _ = stream
        .write_all(
            b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTPS request to an HTTP server.\n",
        )
        .await;
    let _ = stream.shutdown().await;
    // Bytes that were not read would reset the connection before the client sees the answer.
    while matches!(stream.read(&mut hello).await, Ok(1..)) {}
}

/// How the server ended the connection; `None` where the client did.
async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    log: &Log,
    script: &Script,
) -> Option<End> {
    let mut stream = BufStream::new(stream);
    while let Some(seen) = receive(&mut stream).await {
        lock(log).push(seen.clone());
        let reply = script(&seen);
        if let Some(gate) = &reply.gate {
            gate.passed().await;
        }
        for (pause, bytes) in reply.pieces(seen.method == "HEAD") {
            if !pause.is_zero() {
                let _ = stream.flush().await;
                tokio::time::sleep(pause).await;
            }
            if stream.write_all(&bytes).await.is_err() {
                return None;
            }
            if !pause.is_zero() {
                let _ = stream.flush().await;
            }
        }
        if stream.flush().await.is_err() {
            return None;
        }
        match reply.end {
            End::Open if seen.header("connection") != Some("close") => {}
            End::Open | End::Close => {
                let _ = stream.shutdown().await;
                return Some(End::Close);
            }
            End::Reset => return Some(End::Reset),
            End::Stall => std::future::pending().await,
        }
    }
    None
}

async fn receive(stream: &mut BufStream<impl AsyncRead + AsyncWrite + Unpin>) -> Option<Seen> {
    let line = line(stream).await?;
    let mut words = line.split(' ');
    let mut seen = Seen::new(words.next()?.parse().ok()?, words.next()?);
    seen.headers = headers(stream).await?;
    if seen.header("expect") == Some("100-continue") {
        stream
            .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")
            .await
            .ok()?;
        stream.flush().await.ok()?;
    }
    seen.body = body(stream, &seen).await?.into();
    Some(seen)
}

async fn headers(stream: &mut BufStream<impl AsyncRead + AsyncWrite + Unpin>) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    loop {
        let line = line(stream).await?;
        if line.is_empty() {
            return Some(headers);
        }
        let (name, value) = line.split_once(':')?;
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_bytes(value.trim().as_bytes()).ok()?);
    }
}

async fn body(
    stream: &mut BufStream<impl AsyncRead + AsyncWrite + Unpin>,
    head: &Seen,
) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    if head.header("transfer-encoding") != Some("chunked") {
        let length = head.header("content-length").unwrap_or("0");
        body.resize(length.parse().ok()?, 0);
        stream.read_exact(&mut body).await.ok()?;
        return Some(body);
    }
    loop {
        let size = line(stream).await?;
        let size = usize::from_str_radix(size.split(';').next()?, 16).ok()?;
        let start = body.len();
        body.resize(start + size, 0);
        stream.read_exact(&mut body[start..]).await.ok()?;
        // After the last chunk come trailers, which no client here sends, and an empty line.
        line(stream).await?;
        if size == 0 {
            return Some(body);
        }
    }
}

/// A line without its end; `None` at the end of the connection.
async fn line(stream: &mut BufStream<impl AsyncRead + AsyncWrite + Unpin>) -> Option<String> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    line.strip_suffix("\r\n").map(str::to_owned)
}
