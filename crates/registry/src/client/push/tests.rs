use std::sync::{Arc, Mutex};

use regcred_core::ErrorKind;

use super::*;
use crate::Hosts;
use crate::fake::{Fake, Reply, Seen, client, image};
use crate::image::media_type;

const BLOB: &[u8] = b"hello, blob";

fn repository(server: &Fake) -> Repository {
    client(Hosts::none()).repository(&image(server), None)
}

/// A registry with one upload session, which cuts the first chunk after three bytes when told so.
async fn registry(cut_once: bool) -> (Fake, Arc<Mutex<Vec<u8>>>) {
    let stored = Arc::new(Mutex::new(Vec::new()));
    let held = stored.clone();
    let cut = Mutex::new(cut_once);
    let server = Fake::start(move |seen: &Seen| {
        let mut held = held.lock().expect("no test panics here");
        let session = "/v2/team/app/blobs/uploads/1?state=a";
        let at = |held: &[u8]| format!("0-{}", held.len().saturating_sub(1));
        match seen.method.as_str() {
            "POST" => Reply::new(202).header("location", session),
            "PATCH" => {
                let begins = seen.header("content-range").unwrap_or_default();
                let begins = begins.split('-').next().unwrap_or_default();
                if begins != held.len().to_string() {
                    return Reply::new(416).header("range", at(&held));
                }
                if std::mem::take(&mut *cut.lock().expect("no test panics here")) {
                    held.extend(seen.body.iter().take(3));
                    return Reply::new(400);
                }
                held.extend(seen.body.iter());
                let at = at(&held);
                Reply::new(202)
                    .header("location", session)
                    .header("range", &at)
            }
            "GET" => Reply::new(204)
                .header("location", session)
                .header("range", at(&held)),
            "PUT" => {
                held.extend(seen.body.iter());
                let digest = Digest::of(&held).to_string().replace(':', "%3A");
                if seen.line().contains(&format!("state=a&digest={digest}")) {
                    Reply::new(201)
                } else {
                    Reply::new(400)
                }
            }
            _ => Reply::new(404),
        }
    })
    .await;
    (server, stored)
}

#[tokio::test]
async fn a_small_blob_is_two_requests() {
    let (server, stored) = registry(false).await;
    let digest = Digest::of(BLOB);
    let repository = repository(&server);
    assert!(!repository.has_blob(&digest).await.expect("asked"));
    repository
        .put_blob(&digest, BLOB.into())
        .await
        .expect("put");
    assert_eq!(*stored.lock().expect("stored"), BLOB);
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn a_broken_upload_goes_on_where_the_registry_is() {
    let (server, stored) = registry(true).await;
    let digest = Digest::of(BLOB);
    let mut upload = repository(&server)
        .start_upload(&digest)
        .await
        .expect("open");
    upload.append(BLOB[..8].into()).await.expect_err("cut");
    upload.resume().await.expect("still open");
    assert_eq!(upload.offset(), 3);
    upload.append(BLOB[3..8].into()).await.expect("the rest");
    assert_eq!(upload.offset(), 8);
    upload
        .finish(&digest, BLOB[8..].into())
        .await
        .expect("closed");
    assert_eq!(*stored.lock().expect("stored"), BLOB);
}

#[tokio::test]
async fn a_mount_that_is_refused_is_an_upload() {
    let (server, stored) = registry(false).await;
    let digest = Digest::of(BLOB);
    let Mount::Refused(upload) = repository(&server)
        .mount(&digest, "other/app")
        .await
        .expect("asked")
    else {
        panic!("this registry mounts nothing");
    };
    upload.finish(&digest, BLOB.into()).await.expect("uploaded");
    assert_eq!(*stored.lock().expect("stored"), BLOB);
    assert!(server.seen()[0].line().contains("&from=other/app"));

    let mounting = Fake::start(|_: &Seen| Reply::new(201)).await;
    let mounted = repository(&mounting).mount(&digest, "other/app").await;
    assert!(matches!(mounted, Ok(Mount::Mounted)));
}

#[tokio::test]
async fn a_manifest_is_put_byte_for_byte_and_its_digest_compared() {
    const INDEX: &str = r#"{"schemaVersion":2,  "manifests":[]}"#;
    let digest = Digest::of(INDEX.as_bytes());
    let index = RawManifest::read(media_type::OCI_INDEX, digest.clone(), INDEX.into());
    let index = index.expect("an index");
    let server = Fake::start(|_: &Seen| Reply::new(201)).await;
    let put = repository(&server).put_manifest("v1", &index).await;
    assert_eq!(put.expect("put"), digest);
    let seen = &server.seen()[0];
    assert_eq!(seen.body, INDEX);
    assert_eq!(seen.header("content-type"), Some(media_type::OCI_INDEX));

    let other = Digest::of(b"other").to_string();
    let error = repository(&server).put_manifest(&other, &index).await;
    assert!(
        error
            .expect_err("not its digest")
            .to_string()
            .contains("another digest")
    );
    let confused =
        Fake::start(move |_: &Seen| Reply::new(201).header("docker-content-digest", &other)).await;
    let error = repository(&confused).put_manifest("v1", &index).await;
    assert_eq!(
        error.expect_err("stored otherwise").kind(),
        ErrorKind::Malformed
    );
}

#[tokio::test]
async fn an_upload_does_not_leave_for_a_server_without_tls() {
    for place in [
        "http://evil.test/upload",
        "https://u:p@evil.test/upload",
        "",
    ] {
        let server = Fake::start(move |_: &Seen| Reply::new(202).header("location", place)).await;
        let opened = repository(&server).start_upload(&Digest::of(BLOB)).await;
        if place.is_empty() {
            continue;
        }
        let error = opened.expect_err(place);
        assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
    }
}
