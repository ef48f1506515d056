use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::Hosts;
use crate::fake::{Fake, Reply, Seen, client, image};

/// Three mebibytes that differ everywhere.
fn content() -> Vec<u8> {
    let pattern = (0..3_u32 << 20).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8);
    pattern.collect()
}

fn whole(content: &[u8]) -> Descriptor {
    Descriptor::of("application/x-layer", content)
}

/// The offsets of `Range: bytes=first-last`.
fn range(seen: &Seen) -> Option<(usize, usize)> {
    let (first, last) = seen
        .header("range")?
        .strip_prefix("bytes=")?
        .split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?))
}

fn partial(content: &[u8], (first, last): (usize, usize)) -> Reply {
    let total = content.len();
    Reply::new(206)
        .header("content-range", format!("bytes {first}-{last}/{total}"))
        .body(&content[first..=last])
}

/// What a registry does, with a script that may spoil an answer by its number.
async fn registry(
    content: Vec<u8>,
    spoil: impl Fn(usize, Reply) -> Reply + Send + Sync + 'static,
) -> Fake {
    let asked = AtomicUsize::new(0);
    Fake::start(move |seen| {
        let reply = match range(seen) {
            Some(range) => partial(&content, range),
            None => Reply::ok(content.clone()),
        };
        spoil(asked.fetch_add(1, Ordering::SeqCst), reply)
    })
    .await
}

fn repository(server: &Fake) -> Repository {
    client(Hosts::none()).repository(&image(server), None)
}

/// The rest of the blob, and what broke meanwhile by the number of the next attempt.
async fn read(mut stream: BlobStream) -> Result<(Vec<u8>, Vec<(u32, String)>), RegistryError> {
    let (mut bytes, mut retries) = (Vec::new(), Vec::new());
    let start = stream.position() as usize;
    while let Some(chunk) = stream.chunk().await? {
        match chunk {
            BlobChunk::Bytes(chunk) => bytes.extend_from_slice(&chunk),
            BlobChunk::Retrying { attempt, reason } => retries.push((attempt, reason)),
        }
        assert_eq!(stream.position() as usize, start + bytes.len());
    }
    Ok((bytes, retries))
}

async fn fetch(server: &Fake, blob: &Descriptor) -> Result<Vec<u8>, RegistryError> {
    let stream = repository(server).blob(blob, 0).await?;
    Ok(read(stream).await?.0)
}

fn ranges(server: &Fake) -> Vec<Option<usize>> {
    server
        .seen()
        .iter()
        .map(|s| range(s).map(|(first, _)| first))
        .collect()
}

#[tokio::test]
async fn a_blob_is_one_request() {
    for chunked in [false, true] {
        let content = content();
        let blob = whole(&content);
        let server = registry(content.clone(), move |_, reply| match chunked {
            true => reply.chunked(),
            false => reply,
        })
        .await;
        assert!(fetch(&server, &blob).await.expect("blob") == content);
        let seen = server.seen();
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0].path, format!("/v2/team/app/blobs/{}", blob.digest));
        assert_eq!(seen[0].header("accept-encoding"), Some("identity"));
    }
}

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
async fn the_size_is_the_descriptors() {
    let content = b"0123456789".to_vec();
    let digest = whole(&content).digest;
    for (size, chunked) in [(9, false), (9, true), (11, false), (11, true)] {
        let blob = Descriptor::new("x", digest.clone(), size);
        let server = registry(content.clone(), move |_, reply| match chunked {
            true => reply.chunked(),
            false => reply,
        })
        .await;
        assert!(fetch(&server, &blob).await.is_err(), "{size} {chunked}");
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
async fn an_empty_blob_is_legal() {
    let server = registry(Vec::new(), |_, reply| reply).await;
    assert!(fetch(&server, &whole(b"")).await.expect("empty").is_empty());
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

#[tokio::test]
async fn a_blob_is_proven_by_size_and_digest_whatever_its_content_encoding() {
    let content = content();
    let blob = whole(&content);
    for encoding in [
        "x-gzip",
        "gzip",
        "aws-chunked",
        "utf-8",
        "gzip, aws-chunked",
        "",
    ] {
        let server = registry(content.clone(), move |n, reply| {
            let reply = reply.header("content-encoding", encoding);
            match n {
                0 => reply.cut(70_000),
                _ => reply,
            }
        })
        .await;
        let bytes = fetch(&server, &blob).await.expect(encoding);
        assert!(bytes == content, "{encoding}");
        assert_eq!(ranges(&server), [None, Some(70_000)], "{encoding}");
    }
    let server = registry(b"{}".to_vec(), |_, reply| {
        reply.header("content-encoding", "gzip")
    })
    .await;
    let small = repository(&server).blob_bytes(&whole(b"{}"), 2).await;
    assert_eq!(small.expect("blob"), "{}");
}

#[tokio::test]
async fn a_blob_that_was_compressed_on_the_way_is_an_error_that_names_the_encoding() {
    let content = content();
    let blob = whole(&content);
    for (length, chunked) in [(1000, false), (content.len() + 1, true)] {
        let server = Fake::start(move |_| {
            let reply = Reply::ok(vec![0; length]).header("content-encoding", "gzip");
            if chunked { reply.chunked() } else { reply }
        })
        .await;
        let error = fetch(&server, &blob).await.expect_err("compressed");
        let text = error.to_string();
        assert!(text.contains("Content-Encoding gzip"), "{text}");
    }
}

#[tokio::test]
async fn a_token_may_expire_between_two_parts() {
    let content = content();
    let blob = whole(&content);
    let full = content.clone();
    let listener = crate::fake::bind().await;
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
async fn small_blobs_are_proven() {
    let server = registry(b"{}".to_vec(), |_, reply| reply).await;
    let repository = repository(&server);
    assert_eq!(
        repository.blob_bytes(&whole(b"{}"), 2).await.expect("blob"),
        "{}"
    );
    let error = repository
        .blob_bytes(&whole(b"[]"), 2)
        .await
        .expect_err("other content");
    assert!(
        error.to_string().contains("does not match its digest"),
        "{error}"
    );
    assert!(
        repository.blob_bytes(&whole(b"{ }"), 2).await.is_err(),
        "over the limit"
    );
}

#[tokio::test]
async fn foreign_layers_are_fetched_over_https_from_public_addresses_only() {
    let other = Fake::start(|_| Reply::ok("{}")).await;
    let server = Fake::start(|_| Reply::new(404)).await;
    for url in [
        other.url("/layer"),
        format!("https://{}/layer", other.host()),
        "https://10.0.0.1/x".to_owned(),
        "https://user:pw@layers.test/x".to_owned(),
        "no url".to_owned(),
    ] {
        let mut blob = whole(b"{}");
        blob.urls.push(url.clone());
        let error = fetch(&server, &blob).await.expect_err("refused");
        assert!(
            error.to_string().contains("refusing a foreign layer"),
            "{url}: {error}"
        );
    }
    assert!(other.seen().is_empty());
    let error = fetch(&server, &whole(b"{}")).await.expect_err("unknown");
    assert!(error.to_string().starts_with("blob sha256:"), "{error}");
}
