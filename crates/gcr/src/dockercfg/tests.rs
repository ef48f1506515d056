use regcred_core::report;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::*;
use crate::testing::{address, metadata, reach};

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
async fn logins_stand_in_the_metadata() {
    let server = metadata(&[(ATTRIBUTE, &[(200, DOCUMENT)])]).await;
    let found = in_metadata(&reach(&[("GCE_METADATA_HOST", &address(&server))])).await;
    assert_eq!(sorted(found.expect("logins")), sorted(logins()));
}

#[tokio::test]
async fn logins_stand_behind_a_url_that_sees_no_metadata_header() {
    let store = MockServer::start().await;
    Mock::given(any())
        .respond_with(
            |request: &Request| match request.headers.contains_key("metadata-flavor") {
                true => ResponseTemplate::new(400),
                false => ResponseTemplate::new(200).set_body_string(DOCUMENT),
            },
        )
        .mount(&store)
        .await;
    let url = format!("{}/dockercfg\n", store.uri());
    let server = metadata(&[(URL_ATTRIBUTE, &[(200, &url)])]).await;
    let found = behind_url(&reach(&[("GCE_METADATA_HOST", &address(&server))])).await;
    assert_eq!(sorted(found.expect("logins")), sorted(logins()));
}

#[tokio::test]
async fn other_schemes_and_missing_attributes_are_errors() {
    let server = metadata(&[(URL_ATTRIBUTE, &[(200, "gs://bucket/dockercfg")])]).await;
    let reach = reach(&[("GCE_METADATA_HOST", &address(&server))]);
    let error = behind_url(&reach).await.expect_err("scheme");
    assert_eq!(error.kind(), ErrorKind::NotConfigured);
    let error = in_metadata(&reach).await.expect_err("missing");
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
        let reason = parse(&text.into()).expect_err(text);
        let shown = report(&malformed(ATTRIBUTE, &reason));
        assert!(!shown.contains("canary"), "{shown}");
    }
}
