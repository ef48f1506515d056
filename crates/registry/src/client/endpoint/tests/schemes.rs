//! Over https first, where an address leaves the scheme open.

use tokio::io::AsyncWriteExt as _;
use tokio_rustls::TlsAcceptor;

use super::*;

fn on_port(port: u16) -> Repository {
    let image = ImageRef::parse(&format!("127.0.0.1:{port}/team/app:v1")).expect("image");
    client(Hosts::none()).repository(&image, Some(&login()))
}

/// A port that writes these bytes to every connection and closes it; ends with the test's runtime.
async fn answering(bytes: &'static [u8]) -> u16 {
    let listener = bind().await;
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.readable().await;
            let _ = stream.write_all(bytes).await;
            let _ = stream.shutdown().await;
        }
    });
    port
}

#[tokio::test]
async fn a_registry_of_this_machine_that_speaks_tls_is_asked_over_https_with_any_certificate() {
    let config = Ca::new().server("127.0.0.1", None);
    let server = Fake::start_tls(config, requiring(BASIC)).await;
    at(&server).manifest("v1").await.expect("over https");
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_registry_of_this_machine_without_tls_is_asked_over_http_with_and_without_a_body() {
    let server = private(BASIC).await;
    let repository = at(&server);
    repository.manifest("v1").await.expect("over http");
    repository.blob(&blob(), 0).await.expect_err("another size");
    assert_eq!(server.seen().len(), 3, "https was tried before the first");
    let servers = repository.servers().expect("configured");
    assert!(servers[0].asked.is_some() && servers[1].only_for_plain);
}

#[tokio::test]
async fn a_server_that_closes_the_handshake_is_not_asked_over_http() {
    for bytes in [&b""[..], b"\x15\x03\x01\x00\x02\x02\x28"] {
        let error = on_port(answering(bytes).await).manifest("v1").await;
        let text = report(&error.expect_err("closed"));
        assert!(text.contains("GET https://"), "{text}");
        assert!(!text.contains("GET http://"), "{text}");
    }
}

#[tokio::test]
async fn a_port_at_which_nothing_listens_is_reported_once() {
    let gone = bind().await;
    let port = gone.local_addr().unwrap().port();
    drop(gone);
    let error = on_port(port).manifest("v1").await.expect_err("closed");
    let text = report(&error);
    assert_eq!(text.matches("cannot connect").count(), 1, "{text}");
}

#[tokio::test]
async fn a_token_server_that_is_not_reached_is_the_failure_of_a_registry_without_tls() {
    let gone = bind().await;
    let realm = format!("http://{}/token", gone.local_addr().unwrap());
    drop(gone);
    let challenge = format!(r#"Bearer realm="{realm}""#);
    let server = Fake::start(move |_| Reply::new(401).header("www-authenticate", &challenge)).await;
    let error = at(&server).manifest("v1").await.expect_err("no token");
    let text = report(&error);
    assert!(text.contains(&format!("GET {realm}")), "{text}");
    assert!(!text.contains("GET https://"), "{text}");
}

#[tokio::test]
async fn a_plain_mirror_with_settings_for_tls_gets_no_login_in_clear_text_once_it_spoke_tls() {
    // TLS is spoken with the first connection; the next ones are answered in plain http.
    let ca = Ca::new();
    let acceptor = TlsAcceptor::from(Arc::new(ca.server("127.0.0.1", None)));
    let listener = bind().await;
    let mirror = listener.local_addr().unwrap();
    let (sender, mut received) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        let (first, _) = listener.accept().await.expect("a connection");
        if let Ok(mut stream) = acceptor.accept(first).await {
            let answer = b"HTTP/1.1 503 Wait\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            let _ = stream.write_all(answer).await;
            let _ = stream.shutdown().await;
        }
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut first = [0];
            let _ = stream.peek(&mut first).await;
            let _ = sender.send(first[0]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let server = Fake::start(|_| Reply::ok(INDEX)).await;
    let text = format!(
        "server = \"{}\"\n[host.\"http://{mirror}\"]\nca = \"ca.pem\"",
        server.url("")
    );
    let (root, hosts) = hosts_toml("reg.example", &text);
    fs::write(root.path().join("reg.example/ca.pem"), &ca.pem).expect("file");
    let image = ImageRef::parse("reg.example/team/app:v1").expect("image");
    let repository = client(hosts).repository(&image, Some(&login()));
    for _ in 0..2 {
        repository.manifest("v1").await.expect("from the server");
    }
    assert_eq!(received.recv().await, Some(0x16), "https again");
    assert!(received.try_recv().is_err(), "and nothing else");
}

#[tokio::test]
async fn a_plain_mirror_with_a_certificate_that_is_not_trusted_is_not_asked_over_http() {
    let config = Ca::new().server("127.0.0.1", None);
    let mirror = Fake::start_tls(config, |_| Reply::ok(INDEX)).await;
    let text = format!(
        "server = \"https://127.0.0.1:1\"\n[host.\"http://{}\"]\nskip_verify = false",
        mirror.host()
    );
    let (_root, hosts) = hosts_toml("reg.example", &text);
    let image = ImageRef::parse("reg.example/team/app:v1").expect("image");
    let repository = client(hosts).repository(&image, Some(&login()));
    let error = repository.manifest("v1").await.expect_err("not trusted");
    let text = report(&error);
    assert!(text.contains("not trusted"), "{text}");
    assert!(!text.contains("GET http://"), "{text}");
}
