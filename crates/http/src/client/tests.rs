use std::time::Duration;

use regcred_core::{Credentials, Env, ErrorKind, report};
use secrecy::SecretString;

use super::*;
use crate::Retry;
use crate::fake::{Fake, Reply};

fn client() -> Client {
    client_in(&Env::default())
}

fn client_in(env: &Env) -> Client {
    let mut options = ClientOptions::new(env);
    options.idle_timeout = Duration::from_secs(5);
    Client::new(options).expect("client")
}

fn quick(attempts: u32) -> Retry {
    Retry {
        attempts,
        base: Duration::from_millis(1),
        cap: Duration::from_millis(2),
    }
}

async fn answering(replies: Vec<Reply>) -> Fake {
    Fake::start(move |n, _| replies[n.min(replies.len() - 1)].clone()).await
}

#[tokio::test]
async fn an_answer_is_read_as_json_text_or_bytes() {
    let server = answering(vec![Reply::new(200, &[("x-a", "b")], r#"{"n":1}"#)]).await;
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
    assert_eq!(seen.line, "GET /x?y=z HTTP/1.1");
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
    for reply in [Reply::new(200, &[], "abcdefgh"), Reply::raw(chunked)] {
        let server = answering(vec![reply]).await;
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
                .ends_with("the answer is longer than 7 bytes"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_body_of_another_form_is_not_shown() {
    let server = answering(vec![Reply::new(200, &[], r#""canary""#)]).await;
    let answer = client()
        .send(Request::get(&server.url("/")))
        .await
        .expect("answer");
    let error = answer
        .json::<Vec<u8>>(100)
        .await
        .expect_err("a text is no list");
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
        let server = answering(vec![Reply::new(status, &[], body)]).await;
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
async fn redirects_are_not_followed() {
    let server = answering(vec![Reply::new(307, &[("location", "/other")], "")]).await;
    let answer = client()
        .send(Request::get(&server.url("/")))
        .await
        .expect("answer");
    assert_eq!(answer.status().as_u16(), 307);
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn passing_statuses_are_retried_only_when_asked() {
    for status in [408, 425, 429, 500, 502, 503, 504] {
        let server = answering(vec![
            Reply::new(status, &[], ""),
            Reply::new(status, &[], "").close(),
            Reply::new(200, &[], "done"),
        ])
        .await;
        let post = Request::post(&server.url("/")).body("b");
        let once = client().send(post.clone()).await.expect("answer");
        assert_eq!(once.status().as_u16(), status);
        let answer = client().send(post.retry(quick(3))).await.expect("answer");
        assert_eq!(answer.status().as_u16(), 200, "{status}");
        let bodies: Vec<_> = server.seen().iter().map(|s| s.body.clone()).collect();
        assert_eq!(bodies, ["b", "b", "b"]);
    }
}

#[tokio::test]
async fn other_statuses_are_final_and_attempts_are_counted() {
    for (status, requests) in [(400, 1), (401, 1), (403, 1), (404, 1), (501, 1), (503, 3)] {
        let server = answering(vec![Reply::new(status, &[], "")]).await;
        let request = Request::get(&server.url("/")).retry(quick(3));
        let answer = client().send(request).await.expect("answer");
        assert_eq!(answer.status().as_u16(), status);
        assert_eq!(server.seen().len(), requests, "{status}");
    }
}

#[tokio::test]
async fn broken_connections_are_retried() {
    let server = answering(vec![
        Reply::raw("").close(),
        Reply::raw("HTTP/1.1 200").close(),
        Reply::new(200, &[], "done"),
    ])
    .await;
    let request = Request::get(&server.url("/")).retry(quick(4));
    let answer = client().send(request.clone()).await.expect("answer");
    assert_eq!(answer.text(10).await.expect("text"), "done");
    let refused = format!("http://127.0.0.1:{}/", closed_port().await);
    let error = client()
        .send(Request::get(&refused).retry(quick(2)))
        .await
        .expect_err("refused");
    assert!(error.is_connect() && error.is_passing());
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    let text = report(&error);
    assert!(
        text.starts_with(&format!("GET {refused}: cannot connect: ")),
        "{text}"
    );
    assert!(text.to_lowercase().contains("refused"), "{text}");
}

#[tokio::test]
async fn retry_after_is_obeyed_and_shared_by_requests_to_the_host() {
    let server = answering(vec![
        Reply::new(429, &[("retry-after", "1")], ""),
        Reply::new(200, &[], "a"),
    ])
    .await;
    let client = client();
    let started = Instant::now();
    let first = client.send(Request::get(&server.url("/1")).retry(quick(2)));
    let second = async {
        while server.seen().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        let answer = client
            .send(Request::get(&server.url("/2")).retry(quick(2)))
            .await;
        (answer, started.elapsed())
    };
    let (first, (second, waited)) = tokio::join!(first, second);
    assert_eq!(first.expect("answer").status().as_u16(), 200);
    assert_eq!(second.expect("answer").status().as_u16(), 200);
    assert!(
        waited >= Duration::from_secs(1),
        "the second came after {waited:?}"
    );
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn retry_after_as_a_date_is_read_by_the_clients_clock() {
    let now = "2026-01-01T00:00:00Z".parse().expect("date");
    let mut options = ClientOptions::new(&Env::default());
    options.clock = Clock::fixed(now);
    let client = Client::new(options).expect("client");
    for (date, requests) in [
        ("Thu, 01 Jan 2026 00:00:00 GMT", 2),
        ("Wed, 31 Dec 2025 00:00:00 GMT", 2),
        // An hour is not waited out.
        ("Thu, 01 Jan 2026 01:00:00 GMT", 1),
    ] {
        let server = answering(vec![
            Reply::new(503, &[("retry-after", date)], ""),
            Reply::new(200, &[], ""),
        ])
        .await;
        let request = Request::get(&server.url("/")).retry(quick(2));
        client.send(request).await.expect("answer");
        assert_eq!(server.seen().len(), requests, "{date}");
    }
}

#[tokio::test]
async fn no_pause_goes_beyond_the_requests_own_time() {
    let server = answering(vec![Reply::new(429, &[("retry-after", "30")], "")]).await;
    let client = client();
    let request = || {
        Request::get(&server.url("/"))
            .retry(quick(5))
            .timeout(Duration::from_secs(2))
    };
    let started = Instant::now();
    for _ in 0..2 {
        let answer = client.send(request()).await.expect("answer");
        assert_eq!(answer.status().as_u16(), 429);
    }
    assert!(started.elapsed() < Duration::from_secs(1));
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn an_idle_connection_is_given_up() {
    let head = "HTTP/1.1 200 X\r\ncontent-length: 3\r\n\r\n";
    let server = answering(vec![
        Reply::raw(head)
            .then_after(Duration::from_millis(40), "a")
            .then_after(Duration::from_millis(40), "b")
            .then_after(Duration::from_secs(30), "c"),
    ])
    .await;
    let mut options = ClientOptions::new(&Env::default());
    options.idle_timeout = Duration::from_millis(300);
    let client = Client::new(options).expect("client");
    let request = Request::get(&server.url("/")).without_timeout();
    let mut answer = client.send(request).await.expect("answer");
    assert_eq!(
        answer.chunk().await.expect("chunk").as_deref(),
        Some(&b"a"[..])
    );
    assert_eq!(
        answer.chunk().await.expect("chunk").as_deref(),
        Some(&b"b"[..])
    );
    let error = answer.chunk().await.expect_err("idle");
    assert!(error.is_timeout() && error.is_passing());
    assert!(
        error
            .to_string()
            .ends_with("nothing was received for 300ms"),
        "{error}"
    );
}

#[tokio::test]
async fn the_requests_time_covers_its_body() {
    let mut reply = Reply::raw("HTTP/1.1 200 X\r\ncontent-length: 100\r\n\r\n");
    for _ in 0..100 {
        reply = reply.then_after(Duration::from_millis(30), "a");
    }
    let server = answering(vec![reply]).await;
    let request = Request::get(&server.url("/")).timeout(Duration::from_millis(200));
    let answer = client().send(request).await.expect("answer");
    let error = answer.bytes(1000).await.expect_err("too slow");
    assert!(error.is_timeout() && !error.is_passing());
    assert!(
        error.to_string().ends_with("not done within 200ms"),
        "{error}"
    );
}

#[tokio::test]
async fn a_body_that_breaks_off_is_no_short_body() {
    for reply in [
        Reply::raw("HTTP/1.1 200 X\r\ncontent-length: 10\r\n\r\nabc").close(),
        Reply::raw("HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabc").close(),
    ] {
        let server = answering(vec![reply]).await;
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
async fn secrets_do_not_go_over_plain_http_unless_it_is_the_protocol() {
    let token = SecretString::from("canary");
    let login = Credentials::new("u", "canary");
    let requests = |url: &str| {
        [
            Request::get(url).bearer(&token),
            Request::get(url).basic(&login),
            Request::get(url).secret_header("x-token", &token),
            Request::post(url).form(&[("a", "canary")]).secret_body(),
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
    let server = answering(vec![Reply::new(200, &[], "")]).await;
    let url = server.url("/?a=1");
    let form = Request::post(&url)
        .form(&[("k", "a b&c")])
        .query(&[("b", "2 3")]);
    let json = Request::put(&url).json(&serde_json::json!({"k": 1}));
    for request in [form, json] {
        client().send(request).await.expect("answer");
    }
    let seen = server.seen();
    assert_eq!(seen[0].line, "POST /?a=1&b=2+3 HTTP/1.1");
    assert_eq!(
        seen[0].header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    assert_eq!(seen[0].body, "k=a+b%26c");
    assert_eq!(seen[1].header("content-type"), Some("application/json"));
    assert_eq!(seen[1].body, r#"{"k":1}"#);
}

#[tokio::test]
async fn the_environments_proxy_is_used_but_not_for_this_machine() {
    let proxy = answering(vec![Reply::new(200, &[], "proxied")]).await;
    let direct = answering(vec![Reply::new(200, &[], "direct")]).await;
    let address = format!("http://user:pass@127.0.0.1:{}", proxy.port());
    let env = Env::map([("HTTP_PROXY", address.as_str()), ("HTTPS_PROXY", "ftp://x")]);
    let client = &client_in(&env);
    let get = |url: String| async move { client.send(Request::get(&url)).await?.text(10).await };
    assert_eq!(
        get("http://registry.test/v2/".into()).await.expect("text"),
        "proxied"
    );
    assert_eq!(get(direct.url("/")).await.expect("text"), "direct");
    let seen = proxy.seen();
    assert_eq!(seen[0].line, "GET http://registry.test/v2/ HTTP/1.1");
    assert_eq!(
        seen[0].header("proxy-authorization"),
        Some("Basic dXNlcjpwYXNz")
    );
    let error = get("https://registry.test/".into())
        .await
        .expect_err("no proxy");
    assert!(error.to_string().contains("HTTPS_PROXY"), "{error}");
    assert_eq!(error.kind(), ErrorKind::NotConfigured);
}

#[tokio::test]
async fn https_goes_through_a_tunnel() {
    let proxy = answering(vec![Reply::new(502, &[], "")]).await;
    let address = format!("http://user:pass@127.0.0.1:{}", proxy.port());
    let client = client_in(&Env::map([("HTTPS_PROXY", address)]));
    let token = SecretString::from("canary");
    let request = Request::get("https://registry.test/v2/").bearer(&token);
    let error = client.send(request).await.expect_err("no tunnel");
    assert!(error.is_connect(), "{}", report(&error));
    let seen = &proxy.seen()[0];
    assert_eq!(seen.line, "CONNECT registry.test:443 HTTP/1.1");
    assert_eq!(
        seen.header("proxy-authorization"),
        Some("Basic dXNlcjpwYXNz")
    );
    assert_eq!(seen.header("authorization"), None);
    assert!(!report(&error).contains("pass"), "{}", report(&error));
}

#[tokio::test]
async fn a_proxy_may_be_switched_off() {
    let proxy = answering(vec![Reply::new(200, &[], "proxied")]).await;
    let address = format!("http://127.0.0.1:{}", proxy.port());
    let mut options = ClientOptions::new(&Env::map([("HTTP_PROXY", address)]));
    options.proxy = Proxy::None;
    let client = Client::new(options).expect("client");
    let sent = client.send(Request::get("http://registry.invalid/")).await;
    assert!(sent.is_err() && proxy.seen().is_empty());
}

#[tokio::test]
async fn an_unknown_name_is_an_unreachable_host() {
    let request = Request::get("https://registry.invalid/");
    let error = client().send(request).await.expect_err("no such name");
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(
        error.to_string().contains("cannot resolve"),
        "{}",
        report(&error)
    );
}

async fn closed_port() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}
