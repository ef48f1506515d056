use std::time::Duration;

use regcred_core::{Env, ErrorKind, report};
use secrecy::SecretSlice;

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;

use super::*;
use crate::{CaBundle, Client, HttpError, Request};
use regcred_http_testing::{Ca, Fake, Reply};

async fn get(options: &ClientOptions, url: &str) -> Result<String, HttpError> {
    let client = Client::new(options.clone())?;
    let request = Request::get(url).timeout(Duration::from_secs(5));
    client.send(request).await?.text(100).await
}

fn named(path: impl Into<std::path::PathBuf>) -> CaBundle {
    CaBundle {
        path: path.into(),
        named_by: "an option",
    }
}

fn options() -> ClientOptions {
    ClientOptions::new(&Env::default())
}

#[tokio::test]
async fn a_ca_may_come_by_option_file_or_variable() {
    let ca = Ca::new();
    let server =
        Fake::start_tls(ca.server("127.0.0.1", None), |_| Reply::new(200).body("hi")).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &ca.pem).unwrap();
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("own.crt"), &ca.pem).unwrap();

    let mut extra = options();
    extra.extra_ca_pem.push(ca.pem.clone().into_bytes());
    let mut bundle = options();
    bundle.ca_bundle = Some(named(file.path()));
    let by_variable = |name: &str, path: &std::path::Path| {
        ClientOptions::new(&Env::map([(name, path.to_str().unwrap())]))
    };
    let file = by_variable("SSL_CERT_FILE", file.path());
    let directory = by_variable("SSL_CERT_DIR", directory.path());
    for options in [extra, bundle, file, directory] {
        assert_eq!(
            get(&options, &server.url("/")).await.expect("trusted"),
            "hi"
        );
    }
}

#[tokio::test]
async fn an_unknown_issuer_and_a_wrong_name_are_refused() {
    let ca = Ca::new();
    let server = Fake::start_tls(ca.server("127.0.0.1", None), |_| Reply::new(200)).await;
    let mut stranger = options();
    stranger.extra_ca_pem.push(Ca::new().pem.into_bytes());
    let error = get(&stranger, &server.url("/"))
        .await
        .expect_err("unknown issuer");
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    let text = report(&error);
    assert!(error.is_connect() && !error.is_passing(), "{text}");
    assert!(
        text.contains("not trusted") && text.contains("its issuer is not among"),
        "{text}"
    );
    assert!(text.contains("SSL_CERT_FILE"), "{text}");
    assert!(server.seen().is_empty());

    let server = Fake::start_tls(ca.server("other.test", None), |_| Reply::new(200)).await;
    let mut known = options();
    known.extra_ca_pem.push(ca.pem.into_bytes());
    let error = get(&known, &server.url("/")).await.expect_err("wrong name");
    assert!(
        report(&error).contains("not valid for name"),
        "{}",
        report(&error)
    );
    known.danger_skip_verify = true;
    assert!(get(&known, &server.url("/")).await.is_ok());
}

#[tokio::test]
async fn a_client_that_spares_this_machine_verifies_every_other_server() {
    let server = Fake::start_tls(Ca::new().server("x.test", None), |_| Reply::ok("hi")).await;
    let mut options = options();
    options.extra_ca_pem.push(Ca::new().pem.into_bytes());
    options.danger_skip_verify_here = true;
    let address = ([127, 0, 0, 1], server.port()).into();
    for name in ["localhost", "x.test", "a.localhost"] {
        options.resolve.push((name.to_owned(), vec![address]));
    }
    for (host, is_spared) in [
        ("127.0.0.1", true),
        ("localhost", true),
        ("x.test", false),
        ("a.localhost", false),
    ] {
        let answer = get(&options, &format!("https://{host}:{}/", server.port())).await;
        assert_eq!(answer.is_ok(), is_spared, "{host}");
    }
}

/// A server that shows this certificate.
fn server_of(certificate: &str, key: &str) -> ServerConfig {
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap()
}

/// A certificate that signs itself and is an authority's, as `openssl req -x509` makes it, with the
/// server that shows it.
fn own_root(name: &str, last_year: i32) -> (String, ServerConfig) {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_before = date_time_ymd(2019, 1, 1);
    params.not_after = date_time_ymd(last_year, 1, 1);
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    let server = server_of(&pem, &key.serialize_pem());
    (pem, server)
}

/// What a client that trusts these certificates gets.
async fn trusting(pem: &str, server: ServerConfig) -> Result<String, String> {
    let server = Fake::start_tls(server, |_| Reply::ok("hi")).await;
    let mut options = options();
    options.extra_ca_pem.push(pem.as_bytes().to_vec());
    let result = get(&options, &server.url("/")).await;
    result.map_err(|error| report(&error))
}

#[tokio::test]
async fn a_certificate_that_is_itself_a_root_is_trusted() {
    let (pem, server) = own_root("127.0.0.1", 4000);
    assert_eq!(trusting(&pem, server).await.as_deref(), Ok("hi"));
    // One that an authority signed which is not trusted itself.
    let (pem, key) = Ca::new().sign("127.0.0.1");
    let server = server_of(&pem, &key);
    assert_eq!(trusting(&pem, server).await.as_deref(), Ok("hi"));
}

#[tokio::test]
async fn a_root_is_trusted_by_its_bytes_its_name_and_its_dates() {
    let (other, _) = own_root("127.0.0.1", 4000);
    let (_, server) = own_root("127.0.0.1", 4000);
    let text = trusting(&other, server).await.expect_err("another root");
    assert!(text.contains("an authority's own"), "{text}");
    let (pem, server) = own_root("other.test", 4000);
    let text = trusting(&pem, server).await.expect_err("another name");
    assert!(
        text.contains("not valid for name 127.0.0.1, only for other.test"),
        "{text}"
    );
    let (pem, server) = own_root("127.0.0.1", 2020);
    let text = trusting(&pem, server).await.expect_err("expired");
    assert!(
        text.contains("it was valid until 2020-01-01 00:00 UTC"),
        "{text}"
    );
    let (pem, key) = Ca::new().sign("other.test");
    let server = server_of(&pem, &key);
    let text = trusting(&pem, server).await.expect_err("another name");
    assert!(text.contains("only for other.test"), "{text}");
}

#[tokio::test]
async fn a_client_certificate_is_shown() {
    let (ca, clients) = (Ca::new(), Ca::new());
    let config = ca.server("127.0.0.1", Some(&clients));
    let server = Fake::start_tls(config, |_| Reply::new(200).body("known")).await;
    let mut options = options();
    options.extra_ca_pem.push(ca.pem.clone().into_bytes());
    assert!(get(&options, &server.url("/")).await.is_err());
    let (certificate, key) = clients.sign("me");
    let pem = format!("{certificate}{key}").into_bytes();
    options.client_identity_pem = Some(SecretSlice::from(pem));
    assert_eq!(
        get(&options, &server.url("/")).await.expect("known"),
        "known"
    );
    assert!(!format!("{options:?}").contains("PRIVATE"));
    for pem in [certificate, key, String::new()] {
        options.client_identity_pem = Some(SecretSlice::from(pem.into_bytes()));
        let error = Client::new(options.clone()).expect_err("half an identity");
        assert_eq!(error.kind(), ErrorKind::NotConfigured);
    }
}

#[tokio::test]
async fn roots_are_read_by_the_first_handshake_only() {
    let ca = Ca::new();
    let tls = Fake::start_tls(ca.server("127.0.0.1", None), |_| Reply::new(200)).await;
    let plain = Fake::start(|_| Reply::new(200).body("plain")).await;
    let mut options = options();
    options.ca_bundle = Some(named("/nonexistent/roots.pem"));
    assert_eq!(
        get(&options, &plain.url("/")).await.expect("plain"),
        "plain"
    );
    let error = get(&options, &tls.url("/")).await.expect_err("no roots");
    assert_eq!(error.kind(), ErrorKind::NotConfigured);
    let text = report(&error);
    assert!(
        text.contains("/nonexistent/roots.pem of an option") && text.contains("No such file"),
        "{text}"
    );
}

#[tokio::test]
async fn the_wrong_scheme_is_explained() {
    let ca = Ca::new();
    let tls = Fake::start_tls(ca.server("127.0.0.1", None), |_| Reply::new(200)).await;
    let url = format!("http://127.0.0.1:{}/", tls.port());
    let error = get(&options(), &url).await.expect_err("http to a TLS port");
    let text = report(&error);
    assert!(text.contains("the response is not HTTP"), "{text}");
    // A server of plain http reads the first bytes of TLS as a broken request.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "https://127.0.0.1:{}/",
        listener.local_addr().unwrap().port()
    );
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut hello = [0; 64];
        stream.read_exact(&mut hello).await.unwrap();
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .await
            .unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    let error = get(&options(), &url)
        .await
        .expect_err("https to an http port");
    let text = report(&error);
    assert!(text.contains("does not speak TLS"), "{text}");
    assert!(error.wants_plain(true));
}
