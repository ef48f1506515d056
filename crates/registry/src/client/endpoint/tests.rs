use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use regcred_core::{Credentials, ImageRef, report};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::fake::{Fake, Reply, bind, client, hosts_toml, image};
use crate::{Descriptor, Digest, HostLogin, Hosts, Logins, Repository};

const INDEX: &str = r#"{"schemaVersion":2,"manifests":[]}"#;
const BASIC: &str = "Basic YWxpY2U6czNjcmV0";

fn login() -> Credentials {
    Credentials::new("alice", "s3cret")
}

fn blob() -> Descriptor {
    Descriptor::of("x", b"{}")
}

/// A registry that wants a login and sends blobs elsewhere.
async fn redirecting(location: impl Fn(usize) -> String + Send + Sync + 'static) -> Fake {
    let asked = AtomicUsize::new(0);
    Fake::start(move |seen| match seen.authorization() {
        Some(BASIC) => {
            let location = location(asked.fetch_add(1, Ordering::SeqCst));
            Reply::new(307).header("location", &location)
        }
        _ => Reply::new(401).header("www-authenticate", "Basic realm=x"),
    })
    .await
}

fn at(server: &Fake) -> Repository {
    client(Hosts::none()).repository(&image(server), Some(&login()))
}

#[tokio::test]
async fn a_redirect_to_another_host_carries_no_secret() {
    let storage = Fake::start(|_| Reply::ok("{}")).await;
    let signed = storage.url("/bucket/blob?X-Signature=1");
    let server = redirecting(move |_| signed.clone()).await;
    let text = format!(
        "server = \"{}\"\n[header]\nX-Own = \"secret\"\n",
        server.url("")
    );
    let (_root, hosts) = hosts_toml(&server.host(), &text);
    let repository = client(hosts).repository(&image(&server), Some(&login()));
    let bytes = repository.blob_bytes(&blob(), 10).await.expect("blob");
    assert_eq!(bytes.as_ref(), b"{}");
    let seen = storage.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].target(), "/bucket/blob?X-Signature=1");
    assert_eq!(
        (seen[0].authorization(), seen[0].header("x-own")),
        (None, None)
    );
    assert_eq!(seen[0].header("accept-encoding"), Some("identity"));
    assert!(
        server
            .seen()
            .iter()
            .all(|s| s.header("x-own") == Some("secret"))
    );
}

#[tokio::test]
async fn a_redirect_on_the_spot_keeps_the_login() {
    let server = Fake::start(|seen| match (seen.authorization(), seen.path.as_str()) {
        (Some(BASIC), "/elsewhere") => Reply::ok("{}"),
        (Some(BASIC), _) => Reply::new(302).header("location", "/elsewhere"),
        _ => Reply::new(401).header("www-authenticate", "Basic realm=x"),
    })
    .await;
    at(&server).blob_bytes(&blob(), 10).await.expect("blob");
}

#[tokio::test]
async fn redirects_end_and_lead_nowhere_strange() {
    let server = redirecting(|n| format!("/loop/{n}")).await;
    let error = at(&server).blob(&blob(), 0).await.expect_err("endless");
    assert!(
        error.to_string().contains("redirects more than 5 times"),
        "{error}"
    );
    for location in [
        "ftp://x/",
        "http://u:canary@127.0.0.1/",
        "http://",
        "javascript:x",
    ] {
        let server = redirecting(move |_| location.to_owned()).await;
        let error = at(&server).blob(&blob(), 0).await.expect_err("refused");
        let text = report(&error);
        assert!(
            text.contains("refusing the redirect") && !text.contains("canary"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_stale_address_is_not_tried_twice() {
    for status in [403, 500, 503] {
        let storage = Fake::start(move |seen| match seen.path.as_str() {
            "/2" => Reply::ok("{}"),
            _ => Reply::new(status),
        })
        .await;
        let base = storage.url("/");
        let server = redirecting(move |n| format!("{base}{n}")).await;
        at(&server)
            .blob_bytes(&blob(), 10)
            .await
            .expect("fresh address");
        let paths: Vec<_> = storage.seen().into_iter().map(|s| s.path).collect();
        assert_eq!(paths, ["/0", "/1", "/2"]);
    }
}

#[tokio::test]
async fn a_storage_that_fails_is_named() {
    let storage = Fake::start(|_| Reply::new(404)).await;
    let signed = storage.url("/x?canary");
    let server = redirecting(move |_| signed.clone()).await;
    let error = at(&server).blob(&blob(), 0).await.expect_err("gone");
    assert_eq!(storage.seen().len(), 1);
    assert!(!report(&error).contains("canary"));
}

/// A server that wants this `Authorization` for everything.
async fn private(authorization: &'static str) -> Fake {
    Fake::start(move |seen| match seen.authorization() {
        Some(login) if login == authorization => Reply::ok(INDEX),
        _ => Reply::new(401).header("www-authenticate", "Basic realm=x"),
    })
    .await
}

/// The logins of an attempt: the image's, and one for the repository's name at a host.
fn logins(name: String, user: &str) -> Logins {
    let own = HostLogin {
        credentials: Credentials::new(user, "s3cret"),
        label: "its own".to_owned(),
    };
    let find = move |asked: &str| (asked == name).then(|| own.clone());
    Logins::of_image(Some(login())).with_hosts(Arc::new(find))
}

#[tokio::test]
async fn a_mirror_is_asked_first_and_gets_the_login_as_from_the_nodes_runtime() {
    let (mirror, server) = (private(BASIC).await, private(BASIC).await);
    let text = format!(
        "server = \"{}\"\n[host.\"{}/mirror\"]\ncapabilities = [\"pull\", \"resolve\"]\n",
        server.url(""),
        mirror.url("")
    );
    let (_root, hosts) = hosts_toml(&server.host(), &text);
    let repository = client(hosts).repository(&image(&server), Some(&login()));
    repository.manifest("v1").await.expect("from the mirror");
    assert!(server.seen().is_empty());
    let namespace = server.host().replace(':', "%3A");
    assert_eq!(
        mirror.seen()[0].target(),
        format!("/mirror/v2/team/app/manifests/v1?ns={namespace}")
    );
    assert_eq!(repository.login_sent(), Some(true));
}

#[tokio::test]
async fn a_login_that_is_withheld_from_mirrors_goes_to_the_registry_alone() {
    let (mirror, server) = (private(BASIC).await, private(BASIC).await);
    let text = format!(
        "server = \"{}\"\n[host.\"{}\"]\n",
        server.url(""),
        mirror.url("")
    );
    let (_root, hosts) = hosts_toml(&server.host(), &text);
    let logins = Logins::from(Some(&login())).withheld_from_mirrors(true);
    let repository = client(hosts).repository(&image(&server), logins);
    repository.manifest("v1").await.expect("from the registry");
    let seen = mirror.seen();
    assert!(seen.iter().all(|seen| seen.authorization().is_none()));
    assert_eq!((seen.len(), server.seen().len()), (1, 2));
}

#[tokio::test]
async fn a_mirror_with_a_login_of_its_own_never_gets_the_images() {
    let (mirror, server) = (
        private("Basic Ym9iOnMzY3JldA==").await,
        private(BASIC).await,
    );
    let text = format!(
        "server = \"{}\"\n[host.\"{}/v2/quay.io\"]\noverride_path = true\n",
        server.url(""),
        mirror.url("")
    );
    for (user, from_mirror) in [("bob", true), ("eve", false)] {
        let (_root, hosts) = hosts_toml(&server.host(), &text);
        let logins = logins(format!("{}/quay.io/team/app", mirror.host()), user);
        let repository = client(hosts).repository(&image(&server), logins);
        let asked = mirror.seen().len();
        repository.manifest("v1").await.expect("by one of the two");
        let received = &mirror.seen()[asked..];
        assert!(
            received
                .iter()
                .all(|seen| seen.authorization() != Some(BASIC))
        );
        assert_eq!(server.seen().is_empty(), from_mirror);
        assert_eq!(repository.login_sent(), Some(!from_mirror));
        let label = format!("its own, to mirror {}", mirror.host());
        assert_eq!(repository.host_logins(), [label]);
    }
}

#[tokio::test]
async fn a_server_elsewhere_has_a_login_of_its_own_as_well() {
    let server = private("Basic Ym9iOnMzY3JldA==").await;
    let text = format!("server = \"{}\"\n", server.url(""));
    let (_root, hosts) = hosts_toml("reg.example", &text);
    let image = ImageRef::parse("reg.example/team/app:v1").expect("image");
    let logins = logins(format!("{}/team/app", server.host()), "bob");
    let repository = client(hosts).repository(&image, logins);
    repository.manifest("v1").await.expect("by its own login");
}

#[tokio::test]
async fn a_mirror_that_lacks_an_image_is_asked_once_whether_it_wants_a_login() {
    let mirror = Fake::start(|seen| match seen.path.as_str() {
        "/v2/" => Reply::ok("{}"),
        _ => Reply::new(404),
    })
    .await;
    let server = Fake::start(|_| Reply::ok(INDEX)).await;
    let text = format!(
        "server = \"{}\"\n[host.\"{}\"]\n",
        server.url(""),
        mirror.url("")
    );
    let (_root, hosts) = hosts_toml(&server.host(), &text);
    let repository = client(hosts).repository(&image(&server), Some(&login()));
    for _ in 0..3 {
        repository.manifest("v1").await.expect("from the registry");
    }
    assert_eq!(mirror.seen_at("/v2/team").len(), 3);
    assert_eq!(mirror.seen().len(), 4);
}

#[tokio::test]
async fn a_mirror_with_a_token_server_gets_the_login_there() {
    let listener = bind().await;
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mirror = Fake::on(listener, None, move |seen| {
        match (seen.path.starts_with("/token"), seen.authorization()) {
            (true, Some(BASIC)) => Reply::ok(r#"{"token":"m"}"#),
            (false, Some("Bearer m")) => Reply::ok(INDEX),
            _ => {
                Reply::new(401).header("www-authenticate", format!(r#"Bearer realm="{url}/token""#))
            }
        }
    });
    let server = Fake::start(|_| Reply::new(500)).await;
    let text = format!(
        "server = \"{}\"\n[host.\"{}\"]\n",
        server.url(""),
        mirror.url("")
    );
    let (_root, hosts) = hosts_toml(&server.host(), &text);
    let repository = client(hosts).repository(&image(&server), Some(&login()));
    repository.manifest("v1").await.expect("from the mirror");
    assert_eq!(mirror.seen_at("/token").len(), 1);
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn capabilities_and_failures_move_on_and_the_registry_has_the_last_word() {
    let digests_only = Fake::start(|_| Reply::ok(INDEX)).await;
    let broken = Fake::start(|_| Reply::new(500)).await;
    let gone = bind().await;
    let closed = gone.local_addr().unwrap();
    drop(gone);
    let server = Fake::start(|seen| match seen.path.ends_with("/missing") {
        true => Reply::new(404),
        false => Reply::ok(INDEX),
    })
    .await;
    let text = format!(
        "server = \"{}\"\n[host.\"http://{closed}\"]\n[host.\"{}\"]\ncapabilities = [\"pull\"]\n[host.\"{}\"]\n",
        server.url(""),
        digests_only.url(""),
        broken.url(""),
    );
    let (_root, hosts) = hosts_toml(&server.host(), &text);
    let repository = client(hosts).repository(&image(&server), None);
    repository.manifest("v1").await.expect("from the registry");
    assert_eq!((digests_only.seen().len(), broken.seen().len()), (0, 1));
    let digest = Digest::of(INDEX.as_bytes());
    repository
        .manifest(digest.as_str())
        .await
        .expect("from a mirror");
    assert_eq!((digests_only.seen().len(), broken.seen().len()), (1, 1));
    let error = repository.manifest("missing").await.expect_err("nowhere");
    assert_eq!(error.status().map(|s| s.as_u16()), Some(404));
}

#[tokio::test]
async fn a_broken_configuration_is_reported_by_the_first_request() {
    let (_root, hosts) = hosts_toml("reg.example", "server = 1");
    let image = ImageRef::parse("reg.example/team/app:v1").expect("image");
    let repository = client(hosts).repository(&image, Some(&login()));
    let error = repository.manifest("v1").await.expect_err("broken");
    let text = report(&error);
    assert!(
        text.contains("hosts.toml") && text.contains("server is not a string"),
        "{text}"
    );
    assert!(!error.is_curable_by_credential());
}

/// An acceptor for 127.0.0.1 and the PEM of its certificate, which is its own CA.
fn tls() -> (TlsAcceptor, String) {
    let signed = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let certificate = signed.cert.pem();
    let key = signed.signing_key.serialize_pem();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
        )
        .unwrap();
    (Arc::new(config).into(), certificate)
}

#[tokio::test]
async fn a_registry_with_its_own_ca_is_trusted_by_its_directory() {
    let (acceptor, certificate) = tls();
    let plain = Fake::start(|_| Reply::ok("{}")).await;
    let elsewhere = plain.url("/x");
    let server = Fake::on(bind().await, Some(acceptor), move |seen| {
        match (seen.authorization(), seen.path.contains("/manifests/")) {
            (Some(BASIC), true) => Reply::ok(INDEX),
            (Some(BASIC), false) => Reply::new(307).header("location", &elsewhere),
            _ => Reply::new(401).header("www-authenticate", "Basic realm=x"),
        }
    });
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join(server.host());
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("ca.crt"), certificate).unwrap();
    let hosts = Hosts::new([root.path().to_owned()]);
    let repository = client(hosts).repository(&image(&server), Some(&login()));
    repository.manifest("v1").await.expect("trusted");
    let error = repository.blob(&blob(), 0).await.expect_err("downgrade");
    assert!(error.to_string().contains("from https to http"), "{error}");
    assert!(plain.seen().is_empty());
}

#[tokio::test]
async fn a_registry_of_this_machine_may_speak_tls() {
    let (acceptor, _) = tls();
    let server = Fake::on(bind().await, Some(acceptor), |_| Reply::ok(INDEX));
    let error = at(&server)
        .manifest("v1")
        .await
        .expect_err("not trusted, but spoken to");
    let text = report(&error);
    assert!(
        text.contains("GET https://") && text.contains("not trusted"),
        "{text}"
    );
    let text = format!(
        "server = \"https://{}\"\nskip_verify = true\n",
        server.host()
    );
    let (_root, hosts) = hosts_toml(&server.host(), &text);
    let repository = client(hosts).repository(&image(&server), None);
    repository.manifest("v1").await.expect("not verified");
}

#[tokio::test]
async fn warnings_of_the_registry_are_logged_once_and_those_of_its_storage_never() {
    let storage = Fake::start(|_| Reply::ok("{}").header("warning", r#"299 - "storage""#)).await;
    let elsewhere = storage.url("/data");
    let server = Fake::start(move |seen| {
        let reply = match seen.path.contains("/blobs/") {
            true => Reply::new(307).header("location", &elsewhere),
            false => Reply::ok(INDEX),
        };
        reply.header("warning", r#"299 - "this registry moves""#)
    })
    .await;
    let client = client(Hosts::none());
    for _ in 0..2 {
        let repository = client.repository(&image(&server), None);
        repository.manifest("v1").await.expect("manifest");
        let blob = Descriptor::of("a/b", b"{}");
        repository.blob_bytes(&blob, 10).await.expect("blob");
    }
    let host = server.host();
    assert_eq!(
        client.warnings(),
        [format!("{host} warns: this registry moves")]
    );
}

#[tokio::test]
async fn a_throttled_pull_names_the_limit() {
    let server = Fake::start(|_| {
        Reply::new(429)
            .header("retry-after", "3600")
            .header("ratelimit-limit", "100;w=21600")
            .header("ratelimit-remaining", "0;w=21600")
            .body(r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}"#)
    })
    .await;
    let error = at(&server).manifest("v1").await.expect_err("throttled");
    let text = error.to_string();
    assert!(
        text.ends_with(
            "toomanyrequests: slow down (the limit is 100 requests in 6 h, none left; try again in \
             3600 s)"
        ),
        "{text}"
    );
    assert_eq!(error.kind(), regcred_core::ErrorKind::Throttled);
}
