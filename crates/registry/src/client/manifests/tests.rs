use std::sync::atomic::{AtomicUsize, Ordering};

use regcred_core::{ErrorKind, report};
use regcred_http::StatusCode;

use super::*;
use crate::fake::{Fake, Reply, client, image};
use crate::{Descriptor, Hosts, ManifestOrIndex};

const INDEX: &str = r#"{"schemaVersion":2,"manifests":[]}"#;

async fn serving(reply: Reply) -> Fake {
    Fake::start(move |_| reply.clone()).await
}

async fn fetch(server: &Fake, reference: &str) -> Result<RawManifest, RegistryError> {
    let repository = client(Hosts::none()).repository(&image(server), None);
    repository.manifest(reference).await
}

#[tokio::test]
async fn a_tag_is_one_request_that_accepts_all_types() {
    let typed = Reply::ok(INDEX).header(
        "content-type",
        "application/vnd.oci.image.index.v1+json; x=y",
    );
    let server = serving(typed).await;
    let fetched = fetch(&server, "v1").await.expect("manifest");
    assert_eq!(fetched.bytes, INDEX);
    assert_eq!(fetched.media_type, media_type::OCI_INDEX);
    assert_eq!(fetched.digest, Digest::of(INDEX.as_bytes()));
    assert_eq!(
        fetched.descriptor(),
        Descriptor::of(media_type::OCI_INDEX, INDEX.as_bytes())
    );
    assert!(matches!(fetched.parse(), Ok(ManifestOrIndex::Index(_))));
    let seen = server.seen();
    assert_eq!(
        (seen.len(), seen[0].path.as_str()),
        (1, "/v2/team/app/manifests/v1")
    );
    let accept = seen[0].header("accept").expect("accept");
    let types = [
        media_type::OCI_INDEX,
        media_type::OCI_MANIFEST,
        media_type::DOCKER_LIST,
        media_type::DOCKER_MANIFEST,
    ];
    assert!(types.iter().all(|t| accept.contains(t)), "{accept}");
}

#[tokio::test]
async fn content_is_proven_whatever_the_headers_say() {
    let own = Digest::of(INDEX.as_bytes());
    let mut hasher = format!("sha512:{}", "0".repeat(128))
        .parse::<Digest>()
        .expect("digest")
        .hasher();
    hasher.update(INDEX.as_bytes());
    let long = hasher.finish();
    let other = Digest::of(b"other").to_string();

    let server = serving(Reply::ok(INDEX).header("docker-content-digest", &other)).await;
    let error = fetch(&server, "v1")
        .await
        .expect_err("contradicting header");
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(!error.is_curable_by_credential());
    // Asked by digest, the digest alone decides.
    for digest in [&own, &long] {
        let fetched = fetch(&server, digest.as_str()).await.expect("proven");
        assert_eq!(fetched.digest, *digest);
    }
    let error = fetch(&server, &other).await.expect_err("wrong content");
    assert!(error.to_string().contains(own.as_str()), "{error}");

    for header in [own.as_str(), long.as_str(), "", "md5:00", "nonsense"] {
        let server = serving(Reply::ok(INDEX).header("docker-content-digest", header)).await;
        assert_eq!(
            fetch(&server, "v1").await.expect("proven").digest,
            own,
            "{header}"
        );
    }
}

#[tokio::test]
async fn what_is_no_manifest_is_refused() {
    let confused = r#"{"manifests":[],"layers":[],"config":{}}"#;
    let schema1 = "application/vnd.docker.distribution.manifest.v1+prettyjws";
    for (reply, shown) in [
        (Reply::ok(confused), "an image and an index at once"),
        (
            Reply::ok("{}").header("content-type", schema1),
            "no longer supported",
        ),
        (
            Reply::ok("<html>canary</html>").header("content-type", "text/html"),
            "a web page where a manifest was expected",
        ),
        (
            Reply::ok(" ".repeat((4 << 20) + 1)),
            "longer than 4194304 bytes",
        ),
        (
            Reply::ok(" ".repeat((4 << 20) + 1)).chunked(),
            "longer than 4194304 bytes",
        ),
        (Reply::new(204), "not the expected JSON"),
        (Reply::new(304), "304"),
    ] {
        let server = serving(reply).await;
        let text = report(&fetch(&server, "v1").await.expect_err(shown));
        assert!(text.contains(shown) && !text.contains("canary"), "{text}");
    }
}

#[tokio::test]
async fn a_large_manifest_within_the_limit_is_read() {
    let padded = format!("{INDEX}{}", " ".repeat((4 << 20) - INDEX.len()));
    let server = serving(Reply::ok(padded).chunked()).await;
    assert_eq!(
        fetch(&server, "v1").await.expect("manifest").bytes.len(),
        4 << 20
    );
}

#[tokio::test]
async fn a_body_that_breaks_off_is_asked_for_again() {
    for chunked in [false, true] {
        let asked = AtomicUsize::new(0);
        let server = Fake::start(move |_| {
            let reply = match chunked {
                true => Reply::ok(INDEX).chunked(),
                false => Reply::ok(INDEX),
            };
            match asked.fetch_add(1, Ordering::SeqCst) {
                0 | 1 => reply.cut(5),
                _ => reply,
            }
        })
        .await;
        fetch(&server, "v1").await.expect("third time");
        assert_eq!(server.seen().len(), 3);
    }
}

#[tokio::test]
async fn failures_of_the_server_are_waited_out_and_counted() {
    for status in [429, 500, 502, 503, 504] {
        let asked = AtomicUsize::new(0);
        let server = Fake::start(move |_| match asked.fetch_add(1, Ordering::SeqCst) {
            0 | 1 => Reply::new(status).header("retry-after", "0"),
            _ => Reply::ok(INDEX),
        })
        .await;
        fetch(&server, "v1").await.expect("third time");
        let server = serving(Reply::new(status)).await;
        let error = fetch(&server, "v1").await.expect_err("never");
        assert_eq!(server.seen().len(), 3);
        assert_eq!(error.status().map(|s| s.as_u16()), Some(status));
        assert_eq!(error.is_curable_by_credential(), status == 429);
    }
}

#[tokio::test]
async fn a_rate_limit_says_when_to_come_back() {
    let body = r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit"}]}"#;
    for value in ["3600", "Fri, 31 Dec 2100 23:59:59 GMT"] {
        let server = serving(Reply::new(429).header("retry-after", value).body(body)).await;
        let error = fetch(&server, "v1").await.expect_err("limited");
        assert_eq!(server.seen().len(), 1, "an hour is not waited out");
        assert!(error.retry_after().expect("pause").as_secs() >= 3600);
        assert_eq!(error.codes().collect::<Vec<_>>(), ["TOOMANYREQUESTS"]);
        assert!(
            error.to_string().contains("pull rate limit (try again in "),
            "{error}"
        );
        assert_eq!(error.kind(), ErrorKind::Throttled);
    }
}

#[tokio::test]
async fn refusals_are_final() {
    for status in [400, 403, 404, 405, 410, 451] {
        let server = serving(Reply::new(status)).await;
        let error = fetch(&server, "v1").await.expect_err("refused");
        assert_eq!(server.seen().len(), 1);
        assert_eq!(error.status(), StatusCode::from_u16(status).ok());
    }
}

#[tokio::test]
async fn a_head_is_enough_where_it_is_answered() {
    let digest = Digest::of(INDEX.as_bytes());
    let reply = Reply::ok(INDEX)
        .header("docker-content-digest", digest.as_str())
        .header("content-type", media_type::OCI_INDEX);
    let head = ManifestHead {
        digest,
        media_type: media_type::OCI_INDEX.to_owned(),
        size: Some(INDEX.len() as u64),
    };
    let server = serving(reply.clone()).await;
    let repository = client(Hosts::none()).repository(&image(&server), None);
    assert_eq!(repository.head_manifest("v1").await.expect("head"), head);
    let methods: Vec<_> = server.seen().into_iter().map(|s| s.method).collect();
    assert_eq!(methods, ["HEAD"]);

    for poor in [Reply::new(405), Reply::new(403), Reply::ok(INDEX)] {
        let full = reply.clone();
        let server = Fake::start(move |seen| match seen.method.as_str() {
            "HEAD" => poor.clone(),
            _ => full.clone(),
        })
        .await;
        let repository = client(Hosts::none()).repository(&image(&server), None);
        assert_eq!(repository.head_manifest("v1").await.expect("by GET"), head);
    }

    let server = serving(Reply::new(404)).await;
    let repository = client(Hosts::none()).repository(&image(&server), None);
    let error = repository.head_manifest("v1").await.expect_err("unknown");
    assert!(
        error.to_string().ends_with("not found: manifest unknown"),
        "{error}"
    );
    let wrong = Digest::of(b"other");
    let server = serving(reply).await;
    let repository = client(Hosts::none()).repository(&image(&server), None);
    assert!(repository.head_manifest(wrong.as_str()).await.is_err());
}

#[tokio::test]
async fn a_digest_that_cannot_be_verified_is_not_fetched() {
    let server = serving(Reply::ok(INDEX)).await;
    for reference in [
        "sha256:zz",
        "md5:d41d8cd98f00b204e9800998ecf8427e",
        "sha256:../../x",
    ] {
        assert!(fetch(&server, reference).await.is_err());
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn an_unreachable_registry_is_no_matter_of_credentials() {
    let server = serving(Reply::ok(INDEX)).await;
    let image = image(&server);
    drop(server);
    tokio::task::yield_now().await;
    let repository = client(Hosts::none()).repository(&image, None);
    let error = repository.manifest("v1").await.expect_err("no server");
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(!error.is_curable_by_credential());
    let text = report(&error);
    assert!(
        text.starts_with(&format!("cannot fetch {image}: GET https://")),
        "{text}"
    );
}

#[tokio::test]
async fn what_is_no_tag_is_no_piece_of_an_address() {
    let server = Fake::start(|_| Reply::new(404)).await;
    let long = "x".repeat(129);
    for reference in [
        "",
        "../../other/manifests/v1",
        "v1?x",
        "v1#x",
        "a/b",
        ".v1",
        &long,
    ] {
        let error = fetch(&server, reference).await.expect_err("no tag");
        assert!(error.to_string().contains("neither a tag"), "{error}");
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_manifest_is_put_byte_for_byte_and_its_digest_compared() {
    const SPACED: &str = r#"{"schemaVersion":2,  "manifests":[]}"#;
    let digest = Digest::of(SPACED.as_bytes());
    let index = RawManifest::read(media_type::OCI_INDEX, digest.clone(), SPACED.into());
    let index = index.expect("an index");
    let server = serving(Reply::new(201).header("docker-content-digest", digest.as_str())).await;
    let repository = client(Hosts::none()).repository(&image(&server), None);
    for reference in ["v1", digest.as_str()] {
        let put = repository.put_manifest(reference, &index).await;
        put.expect("put");
    }
    let seen = server.seen();
    let lines: Vec<_> = seen.iter().map(|request| request.line()).collect();
    let path = "PUT /v2/team/app/manifests";
    assert_eq!(lines, [format!("{path}/v1"), format!("{path}/{digest}")]);
    assert_eq!(seen[0].body, SPACED);
    assert_eq!(seen[0].header("content-type"), Some(media_type::OCI_INDEX));

    let other = Digest::of(b"other");
    let error = repository.put_manifest(other.as_str(), &index).await;
    let text = error.expect_err("not its digest").to_string();
    assert!(text.contains("another digest"), "{text}");
    assert_eq!(server.seen().len(), 2);
    let confused = serving(Reply::new(201).header("docker-content-digest", other.as_str())).await;
    let repository = client(Hosts::none()).repository(&image(&confused), None);
    let error = repository.put_manifest("v1", &index).await;
    let error = error.expect_err("stored otherwise");
    assert_eq!(error.kind(), ErrorKind::Malformed);
}

#[tokio::test]
async fn a_refused_manifest_says_what_could_not_be_pushed() {
    let unknown = r#"{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown"}]}"#;
    for (reply, shown) in [
        (
            Reply::new(400).body(unknown),
            "400 Bad Request: manifest blob unknown: blob unknown",
        ),
        (Reply::new(403), "push access denied for "),
        (Reply::new(404), "cannot push "),
    ] {
        let server = serving(reply).await;
        let repository = client(Hosts::none()).repository(&image(&server), None);
        let index = RawManifest::read("", Digest::of(INDEX.as_bytes()), INDEX.into());
        let error = repository.put_manifest("v1", &index.expect("index")).await;
        let text = error.expect_err(shown).to_string();
        assert!(text.contains(shown), "{text}");
    }
}

#[test]
fn two_lengths_that_differ_are_none() {
    for (values, expected) in [
        (&["5"][..], Some(5)),
        (&["5", "5"], Some(5)),
        (&["5", "6"], None),
        (&["5, 6"], None),
        (&["-5"], None),
        (&[], None),
    ] {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::CONTENT_LENGTH, value.parse().expect("header"));
        }
        assert_eq!(content_length(&headers), expected, "{values:?}");
    }
}
