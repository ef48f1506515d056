use std::fs;
use std::sync::Arc;

use regcred_core::{Credentials, ImageRef, report};

use crate::fake::{Fake, Reply, bind, client, hosts_toml, image, tls};
use crate::{Descriptor, Digest, HostLogin, Hosts, Logins, Repository};

mod mirrors;
mod redirects;
mod schemes;

const INDEX: &str = r#"{"schemaVersion":2,"manifests":[]}"#;
const BASIC: &str = "Basic YWxpY2U6czNjcmV0";

fn login() -> Credentials {
    Credentials::new("alice", "s3cret")
}

fn blob() -> Descriptor {
    Descriptor::of("x", b"{}")
}

fn at(server: &Fake) -> Repository {
    client(Hosts::none()).repository(&image(server), Some(&login()))
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
async fn a_certificate_that_cannot_be_read_is_reported_by_the_first_request() {
    let (_root, hosts) = hosts_toml("reg.example", "ca = \"missing.pem\"");
    let image = ImageRef::parse("reg.example/team/app:v1").expect("image");
    let repository = client(hosts).repository(&image, Some(&login()));
    let error = repository.manifest("v1").await.expect_err("broken");
    let text = report(&error);
    assert!(text.contains("missing.pem"), "{text}");
    assert!(!error.is_curable_by_credential());
}

#[tokio::test]
async fn an_unusable_hosts_toml_is_a_warning_and_the_registry_itself_is_asked() {
    let server = Fake::start(|_| Reply::ok(INDEX)).await;
    let (_root, hosts) = hosts_toml(&server.host(), "server = 1");
    let client = client(hosts);
    let repository = client.repository(&image(&server), Some(&login()));
    repository.manifest("v1").await.expect("from the registry");
    let warnings = client.warnings();
    let [warning] = warnings.as_slice() else {
        panic!("{warnings:?}");
    };
    assert!(
        warning.contains("hosts.toml\" cannot be used: server is not a string; "),
        "{warning}"
    );
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
