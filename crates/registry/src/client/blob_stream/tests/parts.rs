//! Requests for a part of a blob.

use super::*;

#[tokio::test]
async fn a_wrong_range_is_not_stitched_in() {
    let content = content();
    let total = content.len();
    let blob = whole(&content);
    for value in [
        format!("bytes 0-{}/{total}", total - 1),
        format!("bytes 1001-{}/{total}", total - 1),
        format!("bytes 1000-{}/{total}", total - 2),
        format!("bytes 1000-{}/{}", total - 1, total + 1),
        "nonsense".to_owned(),
    ] {
        let body = content[1000..].to_vec();
        let asked = AtomicUsize::new(0);
        let full = content.clone();
        let server = Fake::start(move |_| match asked.fetch_add(1, Ordering::SeqCst) {
            0 => Reply::ok(full.clone()).cut(1000),
            _ => Reply::new(206)
                .header("content-range", &value)
                .body(body.clone()),
        })
        .await;
        let error = fetch(&server, &blob).await.expect_err("wrong range");
        assert!(error.to_string().contains("another range"), "{error}");
    }
}

#[tokio::test]
async fn an_offset_asks_for_the_rest_with_and_without_ranges() {
    let content = content();
    let blob = whole(&content);
    let knows = registry(
        content.clone(),
        |n, reply| if n == 0 { reply.cut(10) } else { reply },
    )
    .await;
    let full = content.clone();
    let does_not = Fake::start(move |_| Reply::ok(full.clone())).await;
    for server in [&knows, &does_not] {
        let stream = repository(server).blob(&blob, 1_000_000).await;
        let (rest, _) = read(stream.expect("open")).await.expect("rest");
        assert!(rest == content[1_000_000..]);
    }
    // Nothing is left to ask for.
    let end = repository(&knows).blob(&blob, blob.size).await;
    assert_eq!(read(end.expect("open")).await.expect("end").0, b"");
    assert_eq!(ranges(&knows), [Some(1_000_000), Some(1_000_010)]);
}

#[tokio::test]
async fn a_refused_part_is_asked_for_as_the_whole_by_a_fresh_redirect() {
    let content = content();
    let (blob, total) = (whole(&content), content.len());
    let refusals = [
        (400, None),
        (403, None),
        (405, None),
        (416, Some(format!("bytes */{total}"))),
        (501, None),
        (206, None),
        (206, Some(format!("bytes 0-{}/{total}", total - 1))),
        (206, Some(format!("bytes 70000-{}/{}", total, total + 1))),
        // Only the rest, as if it were all.
        (200, None),
    ];
    for (status, range_sent) in refusals {
        let full = content.clone();
        let case = format!("{status} {range_sent:?}");
        let addresses = AtomicUsize::new(0);
        let server = Fake::start(move |seen| {
            if seen.path.starts_with("/v2/") {
                let n = addresses.fetch_add(1, Ordering::SeqCst);
                return Reply::new(307).header("location", format!("/storage?signature={n}"));
            }
            match (seen.target(), seen.header("range"), &range_sent) {
                ("/storage?signature=0", None, _) => Reply::ok(full.clone()).cut(70_000),
                (_, None, _) => Reply::ok(full.clone()),
                (_, Some(_), None) => Reply::new(status).body(&full[70_000..]),
                (_, Some(_), Some(sent)) => Reply::new(status)
                    .header("content-range", sent)
                    .body(&full[70_000..]),
            }
        })
        .await;
        let bytes = fetch(&server, &blob).await;
        assert!(bytes.expect(&case) == content, "{case}");
        let seen = server.seen();
        let asked: Vec<_> = seen.iter().filter(|s| s.path == "/storage").collect();
        let last = asked.last().expect("requests to the storage");
        assert_eq!(last.header("range"), None, "{case}");
        for (n, request) in asked.iter().enumerate() {
            assert_eq!(
                request.target(),
                format!("/storage?signature={n}"),
                "{case}"
            );
        }
    }
}

#[tokio::test]
async fn after_a_refused_part_a_stream_that_breaks_again_asks_for_no_part() {
    let content = content();
    let blob = whole(&content);
    let full = content.clone();
    let asked = AtomicUsize::new(0);
    let server = Fake::start(move |seen| {
        let n = asked.fetch_add(1, Ordering::SeqCst);
        match (seen.header("range"), n) {
            (Some(_), _) => Reply::new(400),
            (None, 0) => Reply::ok(full.clone()).cut(70_000),
            // Breaks before what is new.
            (None, 2) => Reply::ok(full.clone()).cut(60_000),
            (None, 3) => Reply::ok(full.clone()).cut(80_000),
            (None, _) => Reply::ok(full.clone()),
        }
    })
    .await;
    assert!(fetch(&server, &blob).await.expect("blob") == content);
    assert_eq!(
        ranges(&server),
        [None, Some(70_000), None, None, None],
        "one part was asked for"
    );
}

#[tokio::test]
async fn a_whole_that_is_refused_too_is_the_error() {
    let content = content();
    let blob = whole(&content);
    let server = Fake::start(|_| Reply::new(416).header("content-range", "bytes */5")).await;
    let error = repository(&server).blob(&blob, 10).await.expect_err("416");
    assert!(error.to_string().contains("answered 416"), "{error}");
    assert_eq!(ranges(&server), [Some(10), None]);
}
