use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::byte_stream::ByteStream;
use regcred_core::report;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;

use super::*;
use crate::fake::closed;

/// Answers one connection with these bytes and gives back the request's head.
fn serve_once(answer: Vec<u8>) -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("port");
    let address = listener.local_addr().expect("address").to_string();
    let seen = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("connection");
        let head = read_head(&mut stream);
        // The client may have seen enough before all is written.
        let _ = stream.write_all(&answer);
        head
    });
    (address, seen)
}

fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).expect("request") == 1 {
        head.push(byte[0]);
    }
    String::from_utf8(head).expect("text")
}

fn ok(body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

async fn get(transport: &Transport, url: &str) -> Result<Vec<u8>, String> {
    let settings = HttpConnectorSettings::builder()
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(Duration::from_secs(5))
        .build();
    let request = HttpRequest::get(url).expect("url");
    let response = transport
        .connector(&settings)
        .call(request)
        .await
        .map_err(|error| report(&error))?;
    let body = ByteStream::new(response.into_body()).collect().await;
    Ok(body.map_err(|error| report(&error))?.into_bytes().to_vec())
}

#[tokio::test]
async fn requests_go_through_the_proxy_of_their_scheme() {
    let (proxy, seen) = serve_once(ok("by proxy"));
    let transport = Transport::new(&Env::map([("HTTP_PROXY", format!("http://{proxy}"))]));
    let body = get(&transport, "http://sts.example/x")
        .await
        .expect("answer");
    assert_eq!(body, b"by proxy");
    assert!(
        seen.join()
            .expect("proxy")
            .starts_with("GET http://sts.example/x ")
    );

    let (proxy, seen) = serve_once(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n".to_vec());
    let transport = Transport::new(&Env::map([(
        "https_proxy",
        format!("http://me:pw@{proxy}"),
    )]));
    get(&transport, "https://api.ecr.eu-west-1.amazonaws.com/")
        .await
        .expect_err("no tunnel");
    let head = seen.join().expect("proxy");
    assert!(
        head.starts_with("CONNECT api.ecr.eu-west-1.amazonaws.com:443 "),
        "{head}"
    );
    assert!(
        head.to_lowercase().contains("proxy-authorization: basic "),
        "{head}"
    );
}

#[tokio::test]
async fn local_addresses_and_the_metadata_client_have_no_proxy() {
    let dead = closed();
    let env = Env::map([("HTTP_PROXY", dead.as_str()), ("HTTPS_PROXY", &dead)]);
    for transport in [Transport::new(&env), Transport::direct(&env)] {
        let (address, seen) = serve_once(ok("direct"));
        let url = format!("http://{address}/latest");
        assert_eq!(get(&transport, &url).await.expect("answer"), b"direct");
        assert!(seen.join().expect("server").starts_with("GET /latest "));
    }
}

#[tokio::test]
async fn no_proxy_is_honoured() {
    let env = Env::map([
        ("HTTP_PROXY", closed()),
        ("NO_PROXY", "localhost.test".to_owned()),
    ]);
    let error = get(&Transport::new(&env), "http://localhost.test/")
        .await
        .expect_err("no such host");
    assert!(!error.contains("refused"), "the proxy was asked: {error}");
}

#[tokio::test]
async fn a_body_without_end_is_cut() {
    let (address, _seen) = serve_once(ok(&"x".repeat(MAX_BODY + 1)));
    let error = get(
        &Transport::new(&Env::default()),
        &format!("http://{address}/"),
    )
    .await;
    assert!(error.expect_err("too long").contains("length limit"));
}

#[tokio::test]
async fn a_bundle_is_read_only_for_https_and_must_then_be_there() {
    let env = Env::map([("AWS_CA_BUNDLE", "/nowhere/ca.pem")]);
    let transport = Transport::new(&env);
    let (address, _seen) = serve_once(ok("plain"));
    get(&transport, &format!("http://{address}/"))
        .await
        .expect("no bundle needed");
    let error = get(&transport, &format!("https://{address}/"))
        .await
        .expect_err("needed");
    assert!(error.contains("AWS_CA_BUNDLE names"), "{error}");
}

#[tokio::test]
async fn https_trusts_the_named_bundle_and_nothing_else() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("key");
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("key");
    let dir = tempfile::tempdir().expect("dir");
    let bundle = |name: &str, pem: String| {
        let path = dir.path().join(name);
        std::fs::write(&path, pem).expect("file");
        Env::map([("AWS_CA_BUNDLE", path.to_str().expect("text"))])
    };
    let url = tls_server(&made).await;
    let body = get(&Transport::new(&bundle("ours", made.cert.pem())), &url).await;
    assert_eq!(body.expect("trusted"), b"secure");
    let error = get(&Transport::new(&bundle("other", other.cert.pem())), &url).await;
    let error = error.expect_err("not trusted");
    assert!(error.to_lowercase().contains("certificate"), "{error}");
}

/// Answers each connection over TLS.
async fn tls_server(made: &rcgen::CertifiedKey<rcgen::KeyPair>) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let key = made.signing_key.serialize_der();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.try_into().expect("key"))
        .expect("certificate");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("port");
    let port = listener.local_addr().expect("address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A client that does not trust us ends the handshake.
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut head = [0; 1024];
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(&ok("secure")).await;
            let _ = stream.shutdown().await;
        }
    });
    format!("https://localhost:{port}/")
}

#[test]
fn hosts_are_cut_out_of_urls() {
    for (url, host) in [
        ("http://169.254.169.254/latest", "169.254.169.254"),
        ("http://[fd00:ec2::254]:80/x", "fd00:ec2::254"),
        ("https://me:pw@api.example:443?x", "api.example"),
        ("http://127.0.0.1@evil.example/", "evil.example"),
        ("http://evil.example#@127.0.0.1/", "evil.example"),
    ] {
        assert_eq!(host_of(url), host, "{url}");
    }
}
