//! Streams that break off and are continued.

use super::*;

#[tokio::test]
async fn a_stream_that_is_cut_goes_on_at_the_same_byte() {
    for at in [0, 1, 999, 65_536, (3 << 20) - 1] {
        for chunked in [false, true] {
            let content = content();
            let blob = whole(&content);
            let server = registry(content.clone(), move |n, reply| {
                let reply = if chunked { reply.chunked() } else { reply };
                match n {
                    0 => reply.cut(at),
                    _ => reply,
                }
            })
            .await;
            let stream = repository(&server).blob(&blob, 0).await.expect("open");
            let (bytes, retries) = read(stream).await.expect("blob");
            assert!(bytes == content, "cut at {at}");
            let expected = match at {
                0 => None,
                at => Some(at),
            };
            assert_eq!(ranges(&server), [None, expected]);
            assert_eq!((retries.len(), retries[0].0), (1, 2), "{retries:?}");
        }
    }
}

#[tokio::test]
async fn a_registry_without_ranges_sends_all_again() {
    let content = content();
    let blob = whole(&content);
    let full = content.clone();
    let asked = AtomicUsize::new(0);
    let server = Fake::start(move |_| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::ok(full.clone()).cut(100_000),
        _ => Reply::ok(full.clone()),
    })
    .await;
    assert!(fetch(&server, &blob).await.expect("blob") == content);
    assert_eq!(ranges(&server), [None, Some(100_000)]);
}

#[tokio::test]
async fn a_stream_may_break_often_if_it_gets_on() {
    let content = content();
    let blob = whole(&content);
    let server = registry(content.clone(), |_, reply| reply.cut(200_000)).await;
    let error = fetch(&server, &blob)
        .await
        .expect_err("200 kB at a time do not count as progress");
    assert!(report(&error).contains("broke"), "{}", report(&error));
    assert_eq!(server.seen().len(), 6);

    let longest = AtomicUsize::new(0);
    let server = registry(content.clone(), move |_, reply| {
        match longest.fetch_add(1, Ordering::SeqCst) {
            0 | 1 => reply.cut(1_100_000),
            _ => reply,
        }
    })
    .await;
    assert!(fetch(&server, &blob).await.expect("blob") == content);
}

#[tokio::test]
async fn a_token_may_expire_between_two_parts() {
    let content = content();
    let blob = whole(&content);
    let full = content.clone();
    let listener = bind().await;
    let url = format!("http://{}", listener.local_addr().unwrap());
    let tokens = AtomicUsize::new(0);
    let server = Fake::on(listener, None, move |seen| {
        let refused = Reply::new(401).header(
            "www-authenticate",
            format!(r#"Bearer realm="{url}/token",error="invalid_token""#),
        );
        match (
            seen.path.starts_with("/token"),
            seen.authorization(),
            range(seen),
        ) {
            (true, ..) => {
                let n = tokens.fetch_add(1, Ordering::SeqCst);
                Reply::ok(format!(r#"{{"token":"t{n}"}}"#))
            }
            (_, Some("Bearer t0"), None) => Reply::ok(full.clone()).cut(70_000),
            (_, Some("Bearer t1"), Some(range)) => partial(&full, range),
            _ => refused,
        }
    });
    assert!(fetch(&server, &blob).await.expect("blob") == content);
    assert_eq!(server.seen_at("/token").len(), 2);
}

#[tokio::test]
async fn failures_between_two_parts_are_waited_out() {
    let content = content();
    let blob = whole(&content);
    let server = registry(content.clone(), |n, reply| match n {
        0 => reply.cut(70_000),
        1..=4 => Reply::new(503),
        _ => reply,
    })
    .await;
    assert!(fetch(&server, &blob).await.expect("blob") == content);
    let server = registry(content, |n, reply| match n {
        0 => reply.cut(70_000),
        _ => Reply::new(404),
    })
    .await;
    let error = fetch(&server, &blob).await.expect_err("gone meanwhile");
    assert_eq!(error.status(), Some(StatusCode::NOT_FOUND));
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_stream_of_a_byte_every_five_seconds_ends() {
    let content = content()[..50_000].to_vec();
    let blob = whole(&content);
    let server = registry(content, |n, reply| {
        if n == 0 {
            // From here on time passes by itself.
            tokio::time::pause();
        }
        reply.drip(Duration::from_secs(5))
    })
    .await;
    let began = tokio::time::Instant::now();
    let error = fetch(&server, &blob).await.expect_err("too slow");
    let text = report(&error);
    assert!(
        text.contains("less than 16384 bytes were received in 60s"),
        "{text}"
    );
    // Each attempt continues at the next byte.
    let offsets: Vec<_> = ranges(&server).into_iter().flatten().collect();
    assert_eq!(offsets.len(), 5, "{offsets:?}");
    assert!(offsets.is_sorted() && offsets[0] > 0, "{offsets:?}");
    assert!(began.elapsed() < Duration::from_secs(900));
}
