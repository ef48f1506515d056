use azure_core::http::{Method as AzureMethod, Request as Asked, Url as AzureUrl};
use wiremock::matchers::{body_string, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::testing::reach;
use crate::vars;

fn asked(method: AzureMethod, url: &str, body: &str) -> Asked {
    let mut asked = Asked::new(AzureUrl::parse(url).expect("a URL"), method);
    asked.insert_header("x-ms-client-request-id", "r-1");
    asked.insert_header("user-agent", "azsdk-rust");
    if !body.is_empty() {
        asked.set_body(body.to_owned());
    }
    asked
}

#[tokio::test]
async fn entra_on_loopback_is_asked_in_plain_http_with_everything_that_was_given() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/t/oauth2/v2.0/token"))
        .and(header("x-ms-client-request-id", "r-1"))
        .and(body_string("a=b"))
        .respond_with(ResponseTemplate::new(200).set_body_string("answer"))
        .mount(&server)
        .await;
    let transport = Transport::entra(&reach(&[]), &server.uri()).expect("a transport");
    assert!(transport.known_as().starts_with("https://127.0.0.1:"));
    let url = format!("{}/t/oauth2/v2.0/token", transport.known_as());
    let response = transport
        .execute_request(&asked(AzureMethod::Post, &url, "a=b"))
        .await;
    let raw = response
        .expect("an answer")
        .try_into_raw_response()
        .await
        .expect("a body");
    assert_eq!(raw.body().as_ref(), b"answer");
    let seen = server.received_requests().await.expect("recorded");
    let agents: Vec<_> = seen[0].headers.get_all("user-agent").iter().collect();
    assert_eq!(agents.len(), 1);
    assert!(agents[0].to_str().expect("a text").starts_with("regcred/"));
}

#[tokio::test]
async fn any_other_address_is_refused() {
    let transport = Transport::entra(&reach(&[]), "https://login.microsoftonline.com");
    let transport = transport.expect("a transport");
    for url in [
        "https://login.microsoftonline.com.evil.test/t",
        "http://login.microsoftonline.com/t",
        "http://169.254.169.254/metadata",
    ] {
        let done = transport
            .execute_request(&asked(AzureMethod::Get, url, ""))
            .await;
        assert!(done.is_err(), "{url}");
        assert!(transport.failure().is_none(), "nothing was sent");
    }
}

#[tokio::test]
async fn a_refusal_stays_here_and_the_library_learns_nothing() {
    let server = MockServer::start().await;
    let body = serde_json::json!({
        "error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret",
        "canary": "canary",
    });
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(401).set_body_json(body))
        .mount(&server)
        .await;
    let transport = Transport::metadata(
        &reach(&[(vars::IMDS, &server.uri())]),
        TIMEOUT,
        Retry::none(),
    );
    let transport = transport.expect("a transport");
    let url = format!("{METADATA}/metadata/identity/oauth2/token");
    let error = transport
        .execute_request(&asked(AzureMethod::Get, &url, ""))
        .await;
    assert!(!format!("{error:?}").contains("AADSTS"));
    let Some(Failure::Refused(refusal)) = transport.failure() else {
        panic!("no refusal");
    };
    assert_eq!((refusal.status(), refusal.aadsts()), (401, Some(7_000_215)));
    assert!(!refusal.to_string().contains("canary"), "{refusal}");
    assert!(transport.failure().is_none(), "told once");
}
