//! Bodies that are a part of a file: sent by the kernel over plain http, in pieces over TLS.

use std::fs::File;
use std::io::{self, Write as _};
use std::ops::Range;
use std::sync::Mutex;

use regcred_http_testing::{Ca, bind};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::{Body, BodyObserver};

/// What became of a body.
#[derive(Default)]
struct Watched(Mutex<(u64, Option<io::ErrorKind>)>);

impl BodyObserver for Watched {
    fn begin(&self) {
        *self.0.lock().expect("sound") = (0, None);
    }

    fn sent(&self, bytes: u64) {
        self.0.lock().expect("sound").0 += bytes;
    }

    fn failed(&self, error: io::Error) {
        self.0.lock().expect("sound").1 = Some(error.kind());
    }
}

fn file(bytes: &[u8]) -> Arc<File> {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(bytes).expect("written");
    Arc::new(file)
}

fn put(url: &str, file: &Arc<File>, range: Range<u64>) -> (Request, Arc<Watched>) {
    let watched = Arc::new(Watched::default());
    let body = Body::file(file, range, watched.clone());
    (Request::put(url).body(body), watched)
}

/// A server of plain http and one of TLS, and a client that trusts it.
async fn servers(replies: &[u16]) -> (Vec<Fake>, Client) {
    let script = |replies: &[u16]| {
        let (replies, asked) = (replies.to_vec(), Mutex::new(0));
        move |_: &regcred_http_testing::Seen| {
            let mut asked = asked.lock().expect("sound");
            *asked += 1;
            Reply::new(replies[*asked - 1])
        }
    };
    let ca = Ca::new();
    let plain = Fake::start(script(replies)).await;
    let tls = Fake::start_tls(ca.server("127.0.0.1", None), script(replies)).await;
    let mut options = ClientOptions::new(&Env::default());
    options.extra_ca_pem.push(ca.pem.into_bytes());
    (vec![plain, tls], Client::new(options).expect("client"))
}

#[tokio::test]
async fn a_part_of_a_file_is_sent_again_from_its_first_byte() {
    let content: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    let file = file(&content);
    let (servers, client) = servers(&[503, 201]).await;
    for server in servers {
        let url = server.url("/a%20b?c=%2F");
        let (request, watched) = put(&url, &file, 1_000..2_500_000);
        let request = request.header("x-a", "b").retry(quick(2));
        let response = client.send(request).await.expect("the second attempt");
        assert_eq!(response.status(), 201);
        assert_eq!(response.url().as_str(), url);
        let seen = server.seen();
        assert_eq!(seen.len(), 2);
        for seen in seen {
            assert_eq!(seen.line(), "PUT /a%20b?c=%2F");
            assert_eq!(seen.header("host"), Some(&*server.host()));
            assert_eq!(seen.header("content-length"), Some("2499000"));
            assert!(
                seen.header("user-agent")
                    .is_some_and(|name| name.starts_with("regcred/"))
            );
            assert_eq!(
                (seen.header("accept"), seen.header("x-a")),
                (Some("*/*"), Some("b"))
            );
            assert!(seen.body == content[1_000..2_500_000], "other bytes");
        }
        assert_eq!(*watched.0.lock().expect("sound"), (2_499_000, None));
    }
}

#[tokio::test]
async fn a_file_that_ends_early_breaks_the_request_and_is_reported() {
    let (servers, client) = servers(&[201]).await;
    for server in servers {
        let (request, watched) = put(&server.url("/"), &file(b"short"), 0..6);
        let error = client.send(request).await.expect_err("one byte is missing");
        assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
        let failure = watched.0.lock().expect("sound").1;
        assert_eq!(failure, Some(io::ErrorKind::UnexpectedEof));
        assert!(server.seen().is_empty());
    }
}

/// The kernel does not send from files of procfs that are made for each read.
#[tokio::test]
async fn a_file_that_the_kernel_does_not_send_is_copied() {
    let path = "/proc/self/cmdline";
    let content = std::fs::read(path).expect("this program's arguments");
    let file = Arc::new(File::open(path).expect("a file"));
    let server = Fake::answering(vec![Reply::new(201)]).await;
    let (request, watched) = put(&server.url("/"), &file, 0..content.len() as u64);
    client().send(request).await.expect("copied");
    assert_eq!(server.seen()[0].body, content);
    assert_eq!(watched.0.lock().expect("sound").0, content.len() as u64);
}

#[tokio::test]
async fn a_server_that_refuses_a_file_before_its_end_is_heard() {
    let listener = bind().await;
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.expect("a connection");
        let mut head = [0; 1_000];
        let _ = socket.read(&mut head).await.expect("a head");
        let reply = b"HTTP/1.1 413 Too Large\r\ncontent-length: 9\r\n\r\ntoo large";
        socket.write_all(reply).await.expect("sent");
        socket
    });
    let large = tempfile::tempfile().expect("a file");
    large.set_len(1 << 30).expect("a sparse file");
    let (request, _) = put(&url, &Arc::new(large), 0..1 << 30);
    let response = client().send(request.without_timeout()).await.expect("413");
    assert_eq!(response.status(), 413);
    assert_eq!(response.text(100).await.expect("a body"), "too large");
    drop(server.await.expect("ended"));
}

#[tokio::test]
async fn failures_of_a_file_are_those_of_other_bodies() {
    let file = file(b"content");
    let closed = {
        let listener = bind().await;
        format!("http://{}/", listener.local_addr().expect("an address"))
    };
    let mut options = ClientOptions::new(&Env::default());
    options.idle_timeout = Duration::from_millis(20);
    let impatient = Client::new(options).expect("client");
    let silent = Fake::answering(vec![Reply::hang()]).await;
    let broken = Fake::answering(vec![Reply::hang_up()]).await;
    let other = Fake::answering(vec![Reply::raw("not a response\r\n\r\n")]).await;
    for (url, client) in [
        (closed, client()),
        (silent.url("/"), impatient),
        (broken.url("/"), client()),
        (other.url("/"), client()),
    ] {
        let (of_file, _) = put(&url, &file, 0..7);
        let of_file = client.send(of_file).await.expect_err("no response");
        let of_bytes = Request::put(&url).body("content");
        let of_bytes = client.send(of_bytes).await.expect_err("no response");
        assert_eq!(report(&of_file), report(&of_bytes));
        assert_eq!(of_file.kind(), of_bytes.kind());
    }
}

/// Answers requests on one connection after the other, each of which ends with its last reply. The number
/// of the connection is in the reply.
async fn one_connection_after_the_other(
    replies: &'static [&'static [&'static str]],
) -> (String, tokio::task::JoinHandle<()>) {
    let listener = bind().await;
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let server = tokio::spawn(async move {
        for (number, replies) in replies.iter().enumerate() {
            let (socket, _) = listener.accept().await.expect("a connection");
            let mut socket = tokio::io::BufStream::new(socket);
            for reply in *replies {
                let mut length = 0;
                loop {
                    let mut line = String::new();
                    socket.read_line(&mut line).await.expect("a line");
                    if let Some(value) = line.strip_prefix("content-length: ") {
                        length = value.trim().parse().expect("a number");
                    }
                    if line == "\r\n" {
                        break;
                    }
                }
                let mut body = vec![0; length];
                socket.read_exact(&mut body).await.expect("a body");
                let reply = format!("HTTP/1.1 {reply}x-connection: {number}\r\n\r\n");
                socket.write_all(reply.as_bytes()).await.expect("sent");
                socket.flush().await.expect("sent");
            }
        }
    });
    (url, server)
}

/// The numbers of the connections of requests with such parts of a file of seven bytes.
async fn connections(client: &Client, url: &str, parts: &[Range<u64>]) -> Vec<String> {
    let file = file(b"content");
    let mut numbers = Vec::new();
    for part in parts {
        let (request, _) = put(url, &file, part.clone());
        let response = client.send(request).await.expect("a response");
        numbers.push(
            response.headers()["x-connection"]
                .to_str()
                .expect("text")
                .to_owned(),
        );
    }
    numbers
}

const CREATED: &str = "201 Created\r\ncontent-length: 0\r\n";

#[tokio::test]
async fn the_requests_of_an_upload_share_a_connection() {
    let (url, server) = one_connection_after_the_other(&[&[CREATED; 4]]).await;
    let parts = [0..0, 0..7, 7..7, 0..7];
    assert_eq!(connections(&client(), &url, &parts).await, ["0"; 4]);
    server.await.expect("ended");
}

#[tokio::test]
async fn a_connection_that_a_server_closes_is_not_used_again() {
    const CLOSING: &str = "201 Created\r\ncontent-length: 0\r\nconnection: keep-alive, Close\r\n";
    // The second is closed without a word, maybe only after the next request is on its way.
    let replies: &[&[&str]] = &[&[CREATED, CLOSING], &[CREATED], &[CREATED]];
    let (url, server) = one_connection_after_the_other(replies).await;
    let parts = [0..0, 0..7, 0..7, 0..0];
    assert_eq!(
        connections(&client(), &url, &parts).await,
        ["0", "0", "1", "2"]
    );
    server.await.expect("ended");
}

#[tokio::test]
async fn a_connection_with_more_than_the_response_is_not_used_again() {
    let replies: &[&[&str]] = &[
        &["201 Created\r\ncontent-length: 0\r\n\r\nHTTP/1.1 201 Forged\r\n"],
        &[CREATED, CREATED],
    ];
    let (url, server) = one_connection_after_the_other(replies).await;
    let client = client();
    let file = file(b"content");
    let (request, _) = put(&url, &file, 0..7);
    client.send(request).await.expect("a response");
    assert_eq!(connections(&client, &url, &[0..7, 7..7]).await, ["1", "1"]);
    server.await.expect("ended");
}
