//! When a request is sent again.

use super::*;

#[tokio::test]
async fn passing_statuses_are_retried_only_when_asked() {
    for status in [408, 425, 429, 500, 502, 503, 504] {
        let server = Fake::answering(vec![
            Reply::new(status),
            Reply::new(status).close(),
            Reply::new(200).body("done"),
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
        let server = Fake::answering(vec![Reply::new(status)]).await;
        let request = Request::get(&server.url("/")).retry(quick(3));
        let answer = client().send(request).await.expect("answer");
        assert_eq!(answer.status().as_u16(), status);
        assert_eq!(server.seen().len(), requests, "{status}");
    }
}

#[tokio::test]
async fn broken_connections_are_retried() {
    let server = Fake::answering(vec![
        Reply::raw("").close(),
        Reply::raw("HTTP/1.1 200").close(),
        Reply::new(200).body("done"),
    ])
    .await;
    let request = Request::get(&server.url("/")).retry(quick(4));
    let answer = client().send(request.clone()).await.expect("answer");
    assert_eq!(answer.text(10).await.expect("text"), "done");
    let refused = format!("http://127.0.0.1:{}/", closed_port());
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
    let server = Fake::answering(vec![
        Reply::new(429).header("retry-after", "2"),
        Reply::ok("a"),
    ])
    .await;
    let client = client();
    let get = |path| client.send(Request::get(&server.url(path)).retry(quick(2)));
    let host = Url::parse(&server.url("")).expect("URL").origin();
    let second = async {
        let until = loop {
            if let Some(until) = client.0.pauses.until(&host) {
                break until;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        let answer = get("/2").await;
        assert!(Instant::now() >= until, "the second did not wait");
        answer
    };
    let second = timeout(Duration::from_secs(30), second);
    let (first, second) = tokio::join!(get("/1"), second);
    assert_eq!(first.expect("answer").status().as_u16(), 200);
    let second = second.expect("a pause").expect("answer");
    assert_eq!(second.status().as_u16(), 200);
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
        let server = Fake::answering(vec![
            Reply::new(503).header("retry-after", date),
            Reply::new(200),
        ])
        .await;
        let request = Request::get(&server.url("/")).retry(quick(2));
        client.send(request).await.expect("answer");
        assert_eq!(server.seen().len(), requests, "{date}");
    }
}

#[tokio::test]
async fn no_pause_goes_beyond_the_requests_own_time() {
    let throttled = Reply::new(429).header("retry-after", "100");
    let server = Fake::answering(vec![throttled]).await;
    let client = client();
    let started = Instant::now();
    for _ in 0..2 {
        let request = Request::get(&server.url("/")).retry(quick(5));
        let answer = client.send(request.timeout(Duration::from_secs(60))).await;
        let answer = answer.expect("answer");
        assert_eq!(answer.status().as_u16(), 429);
        assert_eq!(answer.retry_after(), Some(Duration::from_secs(100)));
    }
    assert!(started.elapsed() < Duration::from_secs(60));
    assert_eq!(server.seen().len(), 2);
}

/// A port on which nothing listens, and nothing else can begin to while the tests run.
fn closed_port() -> u16 {
    let socket = tokio::net::TcpSocket::new_v4().expect("socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("port");
    let port = socket.local_addr().expect("address").port();
    // Kept to the end of the process, or the port could become another test's server.
    std::mem::forget(socket);
    port
}
