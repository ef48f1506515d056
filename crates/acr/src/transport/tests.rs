use azure_core::http::{Method as AzureMethod, Request as LibraryRequest, Url as AzureUrl};
use regcred_http_testing::Reply;

use super::*;
use crate::testing::{cloud, fake};
use crate::{aadsts, vars};

fn asked(method: AzureMethod, url: &str, body: &str) -> LibraryRequest {
    let mut asked = LibraryRequest::new(AzureUrl::parse(url).expect("a URL"), method);
    asked.insert_header("x-ms-client-request-id", "r-1");
    asked.insert_header("user-agent", "azsdk-rust");
    if !body.is_empty() {
        asked.set_body(body.to_owned());
    }
    asked
}

fn entra(authority: &str) -> Transport {
    let request = TokenRequest {
        cloud: &cloud(&[]),
        authority,
        audience: "",
        identity: "",
    };
    Transport::entra(&request).expect("a transport")
}

#[tokio::test]
async fn entra_on_loopback_is_asked_in_plain_http_with_everything_that_was_given() {
    let server = fake(Reply::ok("answer")).await;
    let transport = entra(&server.url(""));
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
    let [seen] = &server.seen()[..] else {
        panic!("not one request");
    };
    assert_eq!(seen.line(), "POST /t/oauth2/v2.0/token");
    assert_eq!(seen.header("x-ms-client-request-id"), Some("r-1"));
    assert_eq!(seen.text(), "a=b");
    let agents: Vec<_> = seen.headers.get_all("user-agent").iter().collect();
    assert_eq!(agents.len(), 1);
    assert!(agents[0].to_str().expect("a text").starts_with("regcred/"));
}

#[tokio::test]
async fn any_other_address_is_refused() {
    let transport = entra("https://login.microsoftonline.com");
    for url in [
        "https://login.microsoftonline.com.evil.test/t",
        "http://login.microsoftonline.com/t",
        "http://169.254.169.254/metadata",
    ] {
        let done = transport
            .execute_request(&asked(AzureMethod::Get, url, ""))
            .await;
        let error = done.expect_err(url);
        assert!(
            error.downcast_ref::<HttpError>().is_none(),
            "nothing was sent"
        );
    }
}

#[tokio::test]
async fn a_refusal_is_our_own_error_inside_the_librarys() {
    let body = serde_json::json!({
        "error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret",
        "canary": "canary",
    });
    let reply = Reply::json(401, &body).header("x-ms-request-id", "id-1");
    let server = fake(reply).await;
    let cloud = cloud(&[(vars::IMDS, &server.url(""))]);
    let transport = Transport::metadata(&cloud, TIMEOUT, Retry::none()).expect("a transport");
    let url = format!("{METADATA}/metadata/identity/oauth2/token");
    let error = transport
        .execute_request(&asked(AzureMethod::Get, &url, ""))
        .await
        .expect_err("refused");
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    let error: HttpError = error.into_downcast().expect("our own");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(401));
    assert_eq!(error.message().and_then(aadsts::number), Some(7_000_215));
    let shown = error.to_string();
    assert!(
        shown.contains("correlation id id-1") && !shown.contains("canary"),
        "{shown}"
    );
}

#[test]
fn a_life_that_the_library_cannot_add_to_the_time_is_replaced() {
    for (life, expected) in [
        ("9223372036854775807", "0"),
        ("-1", "0"),
        ("3599", "3599"),
        ("18446744073709551615", "18446744073709551615"),
    ] {
        let body = format!(r#"{{"access_token":"t","expires_in":{life}}}"#);
        let expected = format!(r#"{{"access_token":"t","expires_in":{expected}}}"#);
        let passed_on = with_a_life_in_range(body.as_bytes());
        assert_eq!(passed_on, expected.as_bytes(), "{life}");
    }
    assert_eq!(with_a_life_in_range(b"[1"), b"[1");
}
