//! What a request may carry, and where to.

use super::*;
use crate::{Body, FormValue};

#[tokio::test]
async fn secrets_do_not_go_over_plain_http_unless_it_is_the_protocol() {
    let token = SecretString::from("canary");
    let login = Credentials::new("u", "canary");
    let requests = |url: &str| {
        [
            Request::get(url).bearer(&token),
            Request::get(url).basic(&login),
            Request::get(url).secret_header("x-token", &token),
            Request::post(url).form(&[("a", FormValue::Secret(&"canary".into()))]),
        ]
    };
    for request in requests("http://10.255.255.1/x") {
        let shown = format!("{request:?}");
        assert!(!shown.contains("canary"), "{shown}");
        let error = client().send(request.clone()).await.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::NotConfigured);
        assert!(
            error.to_string().contains("refusing to send a secret"),
            "{error}"
        );
        assert!(request.allow_cleartext().check().is_ok());
    }
    for url in ["http://127.0.0.1/x", "https://10.255.255.1/x"] {
        assert!(requests(url).iter().all(|request| request.check().is_ok()));
    }
    let with_userinfo = Request::get("http://u:canary@10.255.255.1/x");
    let error = client().send(with_userinfo).await.expect_err("refused");
    assert!(!report(&error).contains("canary"), "{error}");
    let header = &Request::get("https://x/").bearer(&token).headers["authorization"];
    assert!(header.is_sensitive());
}

#[tokio::test]
async fn mistakes_surface_when_sending() {
    for request in [
        Request::get("nothing"),
        Request::get("ftp://x/"),
        Request::get("https://x/").header("a b", "c"),
        Request::get("https://x/").header("a", "b\nc"),
    ] {
        let error = client().send(request).await.expect_err("mistake");
        assert_eq!(error.kind(), ErrorKind::NotConfigured, "{error}");
    }
}

#[tokio::test]
async fn a_form_and_json_have_their_types() {
    let server = Fake::answering(vec![Reply::new(200)]).await;
    let url = server.url("/?a=1");
    let form = Request::post(&url)
        .form(&[
            ("k", FormValue::Text("a b&c")),
            ("s", FormValue::Secret(&"x".into())),
        ])
        .query(&[("b", "2 3")]);
    let json = Request::put(&url).json(&serde_json::json!({"k": 1}));
    for request in [form, json] {
        client().send(request).await.expect("answer");
    }
    let seen = server.seen();
    assert_eq!(seen[0].line(), "POST /?a=1&b=2+3");
    assert_eq!(
        seen[0].header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    assert_eq!(seen[0].body, "k=a+b%26c&s=x");
    assert_eq!(seen[1].header("content-type"), Some("application/json"));
    assert_eq!(seen[1].body, r#"{"k":1}"#);
}

#[tokio::test]
async fn a_streamed_body_has_a_length_and_is_opened_for_each_attempt() {
    let server = Fake::answering(vec![Reply::new(503), Reply::new(201)]).await;
    let body = |length, pieces: &'static [&'static str]| {
        Body::stream(length, move || {
            let (sender, receiver) = tokio::sync::mpsc::channel(pieces.len());
            for piece in pieces {
                sender.try_send(Ok((*piece).into())).expect("room");
            }
            receiver
        })
    };
    let retry = Retry {
        attempts: 2,
        ..Retry::none()
    };
    let url = server.url("/");
    let request = Request::put(&url).retry(retry);
    let whole = request.clone().body(body(6, &["abc", "def"]));
    let answer = client().send(whole).await.expect("second attempt");
    assert_eq!(answer.status(), 201);
    let seen = server.seen();
    assert!(seen.iter().all(|request| request.text() == "abcdef"));
    assert_eq!(seen[1].header("content-length"), Some("6"));
    assert_eq!(seen[1].header("transfer-encoding"), None);
    let short = Request::put(&url).body(body(7, &["abc", "def"]));
    client().send(short).await.expect_err("one byte is missing");
}
