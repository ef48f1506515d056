use std::fs;
use std::sync::Arc;

use regcred_core::{Credentials, ImageRef, report};
use tempfile::TempDir;

use crate::fake::{Ca, Fake, Reply, Seen, bind, client, hosts_toml, image};
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

/// The script of a server that requires this `Authorization` for everything.
fn requiring(authorization: &'static str) -> impl Fn(&Seen) -> Reply + Send + Sync + 'static {
    move |seen| match seen.authorization() {
        Some(login) if login == authorization => Reply::ok(INDEX),
        _ => Reply::new(401).header("www-authenticate", "Basic realm=x"),
    }
}

async fn private(authorization: &'static str) -> Fake {
    Fake::start(requiring(authorization)).await
}

/// The configuration of a registry with a mirror and the fields of that.
fn with_mirror(server: &Fake, mirror: &str, fields: &str) -> (TempDir, Hosts) {
    let server_url = server.url("");
    let text = format!("server = \"{server_url}\"\n[host.\"{mirror}\"]\n{fields}\n");
    hosts_toml(&server.host(), &text)
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
    let server = Fake::start(|seen| {
        let is_missing = seen.path.ends_with("/missing");
        if is_missing {
            Reply::new(404)
        } else {
            Reply::ok(INDEX)
        }
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
    let ca = Ca::new();
    let plain = Fake::start(|_| Reply::ok("{}")).await;
    let elsewhere = plain.url("/x");
    let private = requiring(BASIC);
    let server = Fake::start_tls(ca.server("127.0.0.1", None), move |seen| {
        let is_blob = seen.path.contains("/blobs/") && seen.authorization() == Some(BASIC);
        if is_blob {
            return Reply::new(307).header("location", &elsewhere);
        }
        private(seen)
    })
    .await;
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join(server.host());
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("ca.crt"), &ca.pem).unwrap();
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
        let reply = if seen.path.contains("/blobs/") {
            Reply::new(307).header("location", &elsewhere)
        } else {
            Reply::ok(INDEX)
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
