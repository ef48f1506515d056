//! Clients that are slow, or many, keep no other from its answer.

use regcred_core::Clock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::plan::testing::plan_of_one_secret;

/// Longer than any test: nothing ends by itself.
const NEVER: Duration = Duration::from_secs(3600);

async fn started(limits: Limits) -> (std::net::SocketAddr, JoinSet<()>) {
    let status = Arc::new(Status::new(&plan_of_one_secret(), Clock::system()));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let mut server = JoinSet::new();
    server.spawn(async move { limits.serve(&listener, &status).await });
    (address, server)
}

/// A client that has sent a part of its request.
async fn slow(address: std::net::SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let part = b"GET /healthz HTTP/1.1\r\nhost: x\r\n";
    stream.write_all(part).await.expect("sent");
    stream
}

/// The whole answer after the end of the request; empty if the connection was closed.
async fn finished(mut stream: TcpStream) -> String {
    let _ = stream.write_all(b"\r\n").await;
    let mut text = String::new();
    let _ = stream.read_to_string(&mut text).await;
    text
}

#[tokio::test]
async fn health_is_answered_while_200_slow_clients_hold_their_connections() {
    let (address, _server) = started(Limits {
        read: NEVER,
        life: NEVER,
        ..LIMITS
    })
    .await;
    let mut clients = Vec::new();
    for _ in 0..200 {
        clients.push(slow(address).await);
    }
    let answer = finished(slow(address).await).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    // The oldest had to go; the newest are served.
    assert_eq!(finished(clients.remove(0)).await, "");
    let newest = clients.pop().expect("a client");
    assert!(finished(newest).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_client_gets_one_answer_and_no_more_than_its_time() {
    let (address, _server) = started(Limits {
        read: Duration::from_millis(10),
        ..LIMITS
    })
    .await;
    let mut stream = slow(address).await;
    let mut text = String::new();
    // Its request never ends.
    let _ = stream.read_to_string(&mut text).await;
    assert_eq!(text, "");
    let (address, _server) = started(LIMITS).await;
    let mut stream = slow(address).await;
    let next = b"\r\nGET /metrics HTTP/1.1\r\nhost: x\r\n";
    stream.write_all(next).await.expect("sent");
    let answers = finished(stream).await;
    assert_eq!(answers.matches("HTTP/1.1 ").count(), 1, "{answers}");
    assert!(answers.contains("connection: close"), "{answers}");
}

#[tokio::test]
async fn a_head_of_a_request_has_a_limit() {
    let (address, _server) = started(Limits {
        read: NEVER,
        life: NEVER,
        ..LIMITS
    })
    .await;
    let mut stream = slow(address).await;
    let _ = stream.write_all(&[b'x'; 2 * HEAD]).await;
    let mut text = String::new();
    let _ = stream.read_to_string(&mut text).await;
    // The rest of the head is not read: the system may drop the answer.
    assert!(
        text.is_empty() || text.starts_with("HTTP/1.1 431 "),
        "{text}"
    );
}
