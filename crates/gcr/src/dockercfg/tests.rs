use regcred_core::{ErrorKind, report};
use regcred_http_testing::{Fake, Reply};

use super::*;
use crate::testing::{cloud, metadata};

const DOCUMENT: &str = r#"{
    "https://registry.example.com/v1/": {"username":"u1","password":"p1","email":"e"},
    "quay.io": {"username":"x","password":"y","auth":"dTI6cDI6eA=="},
    "gcr.io": {"auth":" dTM6cDM "}
}"#;

fn logins() -> Vec<(String, Credentials)> {
    [
        ("gcr.io", "u3", "p3"),
        ("registry.example.com", "u1", "p1"),
        ("quay.io", "u2", "p2:x"),
    ]
    .map(|(server, username, password)| (server.to_owned(), Credentials::new(username, password)))
    .to_vec()
}

fn sorted(mut logins: Vec<(String, Credentials)>) -> Vec<(String, Credentials)> {
    logins.sort_by(|a, b| a.0.cmp(&b.0));
    logins
}

#[tokio::test]
async fn logins_in_the_metadata_are_read() {
    let server = metadata(&[(ATTRIBUTE, &[(200, DOCUMENT)])]).await;
    let found = in_metadata(&cloud(&[("GCE_METADATA_HOST", &server.host())])).await;
    assert_eq!(sorted(found.expect("logins")), sorted(logins()));
}

#[tokio::test]
async fn logins_at_a_url_are_read_without_the_metadata_header() {
    let store = Fake::start(|request| match request.header("metadata-flavor") {
        Some(_) => Reply::new(400),
        None => Reply::ok(DOCUMENT),
    })
    .await;
    let url = format!("{}\n", store.url("/dockercfg"));
    let server = metadata(&[(URL_ATTRIBUTE, &[(200, &url)])]).await;
    let found = at_url(&cloud(&[("GCE_METADATA_HOST", &server.host())])).await;
    assert_eq!(sorted(found.expect("logins")), sorted(logins()));
}

#[tokio::test]
async fn other_schemes_and_missing_attributes_are_errors() {
    let server = metadata(&[(URL_ATTRIBUTE, &[(200, "gs://bucket/dockercfg")])]).await;
    let cloud = cloud(&[("GCE_METADATA_HOST", &server.host())]);
    let error = at_url(&cloud).await.expect_err("scheme");
    assert_eq!(error.kind(), ErrorKind::NotConfigured);
    let error = in_metadata(&cloud).await.expect_err("missing");
    assert_eq!(error.kind(), ErrorKind::NotConfigured);
    assert!(error.to_string().contains("google-dockercfg"), "{error}");
}

#[test]
fn unsound_documents_are_refused_and_not_shown() {
    for text in [
        "canary",
        "[]",
        r#"{"gcr.io":{"auth":"canary"}}"#,
        r#"{"gcr.io":{"auth":"Y2FuYXJ5"}}"#,
        r#"{"gcr.io":{"password":["canary"]}}"#,
    ] {
        let error = parse(ATTRIBUTE, &text.into()).expect_err(text);
        let shown = report(&error);
        assert!(!shown.contains("canary"), "{shown}");
    }
}
