//! What a test sees of a daemon that runs: its pages, and the Secrets that it writes.

use regcred_refresh::Handle;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::stage::Stage;

/// A document of the daemon's server: status and text.
pub(crate) async fn page(daemon: &Handle, path: &str) -> (u16, String) {
    let mut stream = tokio::net::TcpStream::connect(daemon.address)
        .await
        .expect("connected");
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).await.expect("read");
    let code = text
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .expect("a status");
    (code, text)
}

pub(crate) async fn has(stage: &Stage, namespace: &str) -> bool {
    stage.secret(namespace, &stage.ns("pull")).await.is_some()
}

/// Waits until a namespace that is made now has its Secret.
pub(crate) async fn later(stage: &Stage, name: &str) {
    let ns = stage.namespace(name, json!({})).await;
    stage
        .until("a later one", async || has(stage, &ns).await)
        .await;
}
