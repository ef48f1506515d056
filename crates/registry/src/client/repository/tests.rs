use std::net::SocketAddr;

use regcred_core::{ErrorKind, ImageRef, report};

use crate::Hosts;
use crate::fake::{Fake, Reply, bind, client, hosts_toml};

const INDEX: &str = r#"{"schemaVersion":2,"manifests":[]}"#;

fn image() -> ImageRef {
    ImageRef::parse("reg.example/team/app:v1").expect("image")
}

/// An address at which no server listens.
async fn closed() -> SocketAddr {
    let listener = bind().await;
    listener.local_addr().expect("bound")
}

fn hosts(server: &str, mirrors: &[&str]) -> (tempfile::TempDir, Hosts) {
    let mirrors = mirrors.iter().map(|url| format!("[host.\"{url}\"]\n"));
    let text: String = mirrors.collect();
    hosts_toml("reg.example", &format!("server = \"{server}\"\n{text}"))
}

#[tokio::test]
async fn when_all_servers_fail_the_error_names_each_with_its_failure() {
    let server = format!("http://{}", closed().await);
    let silent = format!("http://{}", closed().await);
    let mirror = Fake::start(|_| Reply::new(401).header("www-authenticate", "Basic realm=x")).await;
    let (_root, hosts) = hosts(&server, &[&mirror.url(""), &silent]);
    let repository = client(hosts).repository(&image(), None);
    let error = repository.manifest("v1").await.expect_err("no server");
    let text = report(&error);
    let expected = [
        format!(
            "cannot fetch reg.example/team/app:v1: mirror {}: unauthorized: ",
            mirror.host()
        ),
        format!(
            "; mirror {}: cannot fetch ",
            silent.trim_start_matches("http://")
        ),
        format!("; {}: cannot fetch ", server.trim_start_matches("http://")),
    ];
    let found: Vec<_> = expected.iter().map(|part| text.find(part)).collect();
    assert!(
        found.iter().all(Option::is_some) && found.is_sorted(),
        "{text}"
    );
    assert!(text.starts_with(&expected[0]), "{text}");
    assert_eq!(
        error.kind(),
        ErrorKind::Denied,
        "the only answer is the mirror's"
    );
    assert!(!error.credential_refused(), "none was sent");
}

#[tokio::test]
async fn the_registrys_answer_decides_the_status_of_an_error_of_several_servers() {
    for (mirror, server, status) in [(500, 404, 404), (404, 403, 403), (404, 500, 500)] {
        let mirror = Fake::start(move |_| Reply::new(mirror)).await;
        let server = Fake::start(move |_| Reply::new(server)).await;
        let (_root, hosts) = hosts(&server.url(""), &[&mirror.url("")]);
        let repository = client(hosts).repository(&image(), None);
        let error = repository.manifest("v1").await.expect_err("nowhere");
        assert_eq!(error.status().map(|s| s.as_u16()), Some(status));
        assert!(report(&error).contains(&format!("mirror {}: ", mirror.host())));
    }
}

#[tokio::test]
async fn a_mirror_that_is_passed_over_in_a_pull_that_works_is_a_warning() {
    let silent = format!("http://{}", closed().await);
    let broken = Fake::start(|_| Reply::new(500)).await;
    let server = Fake::start(|_| Reply::ok(INDEX)).await;
    let (_root, hosts) = hosts(&server.url(""), &[&silent, &broken.url("")]);
    let client = client(hosts);
    let repository = client.repository(&image(), None);
    for _ in 0..2 {
        repository.manifest("v1").await.expect("from the registry");
    }
    let warnings = client.warnings();
    let count = |host: &str| {
        let start =
            format!("mirror {host} was passed over for reg.example/team/app: cannot fetch ");
        let about = warnings.iter().filter(|text| text.starts_with(&start));
        about.count()
    };
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert_eq!(
        count(silent.trim_start_matches("http://")),
        1,
        "{warnings:?}"
    );
    assert_eq!(count(&broken.host()), 1, "{warnings:?}");
}
