//! Sessions at relative and absolute addresses, and on other hosts.

use super::registry::Place;
use super::*;
use crate::Hosts;
use crate::fake::{Ca, Fake, Reply, client, hosts_toml};

#[tokio::test]
async fn sessions_may_have_relative_and_absolute_addresses() {
    let stored = Stored::new();
    for place in [Place::Relative, Place::Absolute] {
        let quirks = Quirks {
            place,
            login: Some("Basic YWxpY2U6b25l"),
            ..Quirks::default()
        };
        let registry = Registry::start(quirks).await;
        let target = registry.repository("team/app", Some(("alice", "one")));
        stored.push(&target, &["v1"]).await.expect("pushed");
        stored.assert_pushed(&registry, "team/app");
    }
}

#[tokio::test]
async fn a_session_on_another_host_gets_the_bytes_and_no_login() {
    let stored = Stored::new();
    let ca = Ca::new();
    let config = ca.server("127.0.0.1", None);
    let storage = Fake::start_tls(config, |seen| match seen.method.as_str() {
        "PATCH" => Reply::new(202),
        _ => Reply::new(201),
    })
    .await;
    let quirks = Quirks {
        login: Some("Basic YWxpY2U6b25l"),
        place: Place::At(storage.url("")),
        ..Quirks::default()
    };
    let registry = Registry::start(quirks).await;
    let file = tempfile::NamedTempFile::new().expect("file");
    std::fs::write(file.path(), &ca.pem).expect("written");
    let toml = format!(
        "server = \"{}\"\nca = \"{}\"\n",
        registry.server.url(""),
        file.path().display()
    );
    let (_root, hosts) = hosts_toml(&registry.server.host(), &toml);
    let login = regcred_core::Credentials::new("alice", "one");
    let target = client(hosts).repository(&registry.image("team/app:v1"), Some(&login));
    for blob in [&stored.large, &stored.blobs[1]] {
        let bytes = std::fs::read(stored.layout.blob_path(&blob.digest)).expect("there");
        let before = storage.seen().len();
        let push = Push::new(&target, &NoProgress);
        let error = push
            .image(&stored.source(), &only(&stored, blob), &[])
            .await;
        // What lies elsewhere is not known to this registry, which therefore refuses the manifest.
        let error = error.expect_err("refused");
        assert_eq!(Vec::from_iter(error.codes()), ["MANIFEST_BLOB_UNKNOWN"]);
        let seen = storage.seen().split_off(before);
        assert!(seen.iter().any(|seen| seen.body == bytes));
        assert!(seen.iter().all(|seen| seen.authorization().is_none()));
        assert!(seen.iter().all(|seen| seen.params("state") == ["x"]));
    }
    // Over plain http no other host gets a byte.
    let plain = Fake::start(|_| Reply::new(201)).await;
    registry.set(Quirks {
        place: Place::At(plain.url("")),
        ..Quirks::default()
    });
    let target = client(Hosts::none()).repository(&registry.image("team/app:v1"), None);
    let error = stored.push(&target, &[]).await.expect_err("refused");
    assert!(error.to_string().contains("without https"), "{error}");
    assert!(plain.seen().is_empty());
}
