use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::Hosts;
use crate::fake::{Fake, Reply, bind, client, image, partial, range};

mod breaks;
mod parts;

/// Three mebibytes that differ everywhere.
fn content() -> Vec<u8> {
    let pattern = (0..3_u32 << 20).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8);
    pattern.collect()
}

fn whole(content: &[u8]) -> Descriptor {
    Descriptor::of("application/x-layer", content)
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
        let server = registry(content.clone(), move |_, reply| {
            if chunked { reply.chunked() } else { reply }
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
async fn the_size_is_the_descriptors() {
    let content = b"0123456789".to_vec();
    let digest = whole(&content).digest;
    for (size, chunked) in [(9, false), (9, true), (11, false), (11, true)] {
        let blob = Descriptor::new("x", digest.clone(), size);
        let server = registry(content.clone(), move |_, reply| {
            if chunked { reply.chunked() } else { reply }
        })
        .await;
        assert!(fetch(&server, &blob).await.is_err(), "{size} {chunked}");
    }
}

#[tokio::test]
async fn an_empty_blob_is_legal() {
    let server = registry(Vec::new(), |_, reply| reply).await;
    assert!(fetch(&server, &whole(b"")).await.expect("empty").is_empty());
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
