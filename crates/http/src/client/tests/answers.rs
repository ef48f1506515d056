//! What is read of a response, and what of it is never shown.

use super::*;

#[tokio::test]
async fn an_answer_is_read_as_json_text_or_bytes() {
    let server = Fake::answering(vec![Reply::new(200).header("x-a", "b").body(r#"{"n":1}"#)]).await;
    let get = || Request::get(&server.url("/x?y=z")).header("accept", "application/json");
    let answer = client().send(get()).await.expect("answer");
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["x-a"]),
        (200, &"b".parse().unwrap())
    );
    assert_eq!(answer.url().as_str(), server.url("/x?y=z"));
    assert_eq!(answer.content_length(), Some(7));
    let json: serde_json::Value = answer.json(100).await.expect("json");
    assert_eq!(json["n"], 1);
    let text = client().send(get()).await.expect("answer").text(7).await;
    assert_eq!(text.expect("text"), r#"{"n":1}"#);
    let seen = &server.seen()[0];
    assert_eq!(seen.line(), "GET /x?y=z");
    assert_eq!(seen.header("accept"), Some("application/json"));
    assert!(
        seen.header("user-agent")
            .expect("agent")
            .starts_with("regcred/")
    );
    assert_eq!(seen.header("accept-encoding"), None);
}

#[tokio::test]
async fn bodies_are_bounded_announced_or_not() {
    let chunked =
        "HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n4\r\nabcd\r\n4\r\nefgh\r\n0\r\n\r\n";
    for reply in [Reply::new(200).body("abcdefgh"), Reply::raw(chunked)] {
        let server = Fake::answering(vec![reply]).await;
        let send = || async {
            client()
                .send(Request::get(&server.url("/")))
                .await
                .expect("answer")
        };
        assert_eq!(
            send().await.bytes(8).await.expect("bytes").as_ref(),
            b"abcdefgh"
        );
        let error = send().await.bytes(7).await.expect_err("too long");
        assert_eq!(error.kind(), ErrorKind::Malformed);
        assert!(
            error
                .to_string()
                .ends_with("the response is longer than 7 bytes"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_body_of_another_form_is_not_shown() {
    let server = Fake::answering(vec![Reply::new(200).body(r#""canary""#)]).await;
    let answer = client()
        .send(Request::get(&server.url("/")))
        .await
        .expect("answer");
    let error = answer
        .json::<Vec<u8>>(100)
        .await
        .expect_err("a text is not a list");
    assert!(!report(&error).contains("canary"), "{error}");
    assert_eq!(error.kind(), ErrorKind::Malformed);
}

#[tokio::test]
async fn an_unwanted_status_becomes_an_error_with_known_fields_only() {
    let body = r#"{"error":"invalid_grant","error_description":"no","token":"canary"}"#;
    for (status, kind) in [
        (400, ErrorKind::Denied),
        (401, ErrorKind::Denied),
        (403, ErrorKind::Denied),
        (404, ErrorKind::Denied),
        (429, ErrorKind::Throttled),
        (500, ErrorKind::Unreachable),
        (503, ErrorKind::Unreachable),
        (302, ErrorKind::Malformed),
    ] {
        let server = Fake::answering(vec![Reply::new(status).body(body)]).await;
        let request = Request::get(&server.url("/path?secret=canary"));
        let answer = client().send(request).await.expect("answer");
        let error = answer.into_error("cannot get a token").await;
        assert_eq!(error.kind(), kind, "{status}");
        assert_eq!(error.code(), Some("invalid_grant"));
        assert_eq!(error.status().map(|s| s.as_u16()), Some(status));
        let text = format!("{error} {error:?}");
        assert!(!text.contains("canary"), "{text}");
        let start = format!(
            "cannot get a token: GET {}: answered {status}",
            server.url("/path")
        );
        assert!(text.starts_with(&start), "{text}");
        assert!(error.to_string().ends_with(": invalid_grant: no"), "{text}");
    }
}

#[tokio::test]
async fn an_answer_that_is_not_one_of_the_api_is_not_a_refusal() {
    let named = r#"{"error":"not_found"}"#;
    for (status, body, kind) in [
        (404, "", ErrorKind::Malformed),
        (404, "<html>not here</html>", ErrorKind::Malformed),
        (405, "", ErrorKind::Malformed),
        (400, "bad request", ErrorKind::Malformed),
        (413, "", ErrorKind::Malformed),
        (403, "<html>blocked</html>", ErrorKind::Malformed),
        (404, named, ErrorKind::Denied),
        (400, named, ErrorKind::Denied),
        (408, "", ErrorKind::Unreachable),
        (401, "", ErrorKind::Denied),
        (403, "", ErrorKind::Denied),
    ] {
        let server = Fake::answering(vec![Reply::new(status).body(body)]).await;
        let request = Request::get(&server.url("/"));
        let answer = client().send(request).await.expect("answer");
        let error = answer.into_error("token request").await;
        assert_eq!(error.kind(), kind, "{status} {body}");
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let server = Fake::answering(vec![Reply::new(307).header("location", "/other")]).await;
    let answer = client()
        .send(Request::get(&server.url("/")))
        .await
        .expect("answer");
    assert_eq!(answer.status().as_u16(), 307);
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_no_short_body() {
    for reply in [
        Reply::raw("HTTP/1.1 200 X\r\ncontent-length: 10\r\n\r\nabc").close(),
        Reply::raw("HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabc").close(),
    ] {
        let server = Fake::answering(vec![reply]).await;
        let answer = client()
            .send(Request::get(&server.url("/")))
            .await
            .expect("answer");
        let error = answer.bytes(100).await.expect_err("cut");
        assert!(error.is_passing(), "{error}");
        assert!(
            error.to_string().ends_with("the connection broke"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn what_a_server_says_of_places_is_cut() {
    let server = Fake::answering(vec![Reply::new(404)]).await;
    let request = Request::get(&server.url(&format!("/{}", "x".repeat(5000))));
    let answer = client().send(request).await.expect("answer");
    let error = answer.success("blob").await.expect_err("404").to_string();
    assert!(
        error.len() < 400 && error.contains("answered 404"),
        "{error}"
    );
}
