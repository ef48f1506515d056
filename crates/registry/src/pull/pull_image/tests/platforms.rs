//! Which image of an index a platform gets.

use super::*;

#[tokio::test]
async fn of_an_index_the_image_that_runs_best_is_pulled() {
    let mut content = Content::default();
    let arm = content.image("linux/arm64", &[b"arm"]);
    let old = content.image("linux/386", &[b"386"]);
    let amd = content.image("linux/amd64", &[b"amd"]);
    let mut attestation = content.image("linux/amd64", &[b"proof"]);
    attestation.annotations.insert(
        "vnd.docker.reference.type".to_owned(),
        "attestation-manifest".to_owned(),
    );
    let index = content.index(&[
        (attestation, Some("linux/amd64")),
        (arm.clone(), Some("linux/arm64/v8")),
        (old, Some("linux/386")),
        (amd.clone(), Some("linux/amd64")),
    ]);
    content.tag(&index);
    let fixture = Fixture::start(content).await;

    let pulled = fixture.pull("linux/amd64").await.expect("pulled");
    assert_eq!(pulled.digest, index.digest, "as the registry has it");
    assert_eq!(pulled.manifest.digest, amd.digest);
    assert_eq!(fixture.named().digest, amd.digest, "what is complete");
    assert!(fixture.layout.has_blob(&index));
    assert_eq!(fixture.pull("linux/amd64").await.expect("warm"), {
        let mut warm = pulled.clone();
        (warm.fetched_blobs, warm.fetched_bytes) = (0, 0);
        warm
    });

    assert!(fixture.stored("linux/amd64").await.is_some());
    assert!(
        fixture.stored("linux/arm64").await.is_none(),
        "not pulled yet"
    );
    assert!(fixture.stored("all").await.is_none());

    let pulled = fixture.pull("linux/arm64").await.expect("pulled");
    assert_eq!(pulled.manifest.digest, arm.digest);
    assert_eq!(fixture.named().digest, arm.digest);
    let stored = fixture.stored("linux/amd64").await.expect("still there");
    assert_eq!(
        (stored.digest, stored.manifest.digest),
        (index.digest, amd.digest)
    );
}

#[tokio::test]
async fn an_index_without_the_platform_is_refused_with_those_that_it_has() {
    let mut content = Content::default();
    let arm = content.image("linux/arm64", &[b"arm"]);
    let riscv = content.image("linux/riscv64", &[b"riscv"]);
    let index = content.index(&[(arm, Some("linux/arm64")), (riscv, Some("linux/riscv64"))]);
    content.tag(&index);
    let fixture = Fixture::start(content).await;

    let error = fixture.pull("linux/s390x").await.expect_err("not offered");
    let text = error.to_string();
    assert!(text.contains("linux/s390x"), "{text}");
    assert!(text.contains("linux/arm64, linux/riscv64"), "{text}");
    assert!(!error.is_curable_by_credential());
    let name = fixture.image().to_string();
    assert!(fixture.layout.resolve(&name).expect("index").is_none());
}

#[tokio::test]
async fn an_entry_with_an_unknown_digest_algorithm_is_left_out_alone() {
    let mut content = Content::default();
    let amd = content.image("linux/amd64", &[b"amd"]);
    let mut sound = amd.clone();
    // As some builders write it where they know nothing.
    sound.other.insert("platform".to_owned(), json!({}));
    let unusable = json!({
        "mediaType": media_type::OCI_MANIFEST, "size": 2,
        "digest": format!("sha384:{}", "0".repeat(96)),
        "platform": {"os": "linux", "architecture": "arm64"},
    });
    let index = content.manifest(&json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": [unusable, sound],
    }));
    content.tag(&index);
    let fixture = Fixture::start(content).await;
    let pulled = fixture.pull("linux/amd64").await.expect("pulled");
    assert_eq!(pulled.manifest.digest, amd.digest);
    assert!(fixture.stored("linux/amd64").await.is_some());
    let error = fixture.pull("linux/arm64").await.expect_err("unusable");
    let text = error.to_string();
    assert!(
        text.contains("sha384") && text.contains("linux/amd64"),
        "{text}"
    );
    assert_eq!(fixture.pull("all").await.expect("pulled").blobs, 2);
}

#[tokio::test]
async fn an_entry_without_platform_is_taken_by_its_configuration() {
    let mut content = Content::default();
    let arm = content.image("linux/arm64", &[b"arm"]);
    let amd = content.image("linux/amd64", &[b"amd"]);
    let index = content.index(&[(arm, None), (amd.clone(), None)]);
    content.tag(&index);
    let fixture = Fixture::start(content).await;
    let pulled = fixture.pull("linux/amd64").await.expect("pulled");
    assert_eq!(pulled.manifest.digest, amd.digest);
    let platform = pulled.manifest.platform.expect("from the configuration");
    assert_eq!(platform.to_string(), "linux/amd64");
    assert!(fixture.stored("linux/amd64").await.is_some());
}

#[tokio::test]
async fn nested_indexes_are_searched_by_rank_and_to_a_bounded_depth() {
    let mut content = Content::default();
    let old = content.image("linux/386", &[b"386"]);
    let amd = content.image("linux/amd64", &[b"amd"]);
    let inner = content.index(&[(amd.clone(), Some("linux/amd64"))]);
    let outer = content.index(&[(old, Some("linux/386")), (inner.clone(), None)]);
    content.tag(&outer);
    let fixture = Fixture::start(content.clone()).await;
    let pulled = fixture.pull("linux/amd64").await.expect("pulled");
    assert_eq!(
        pulled.manifest.digest, amd.digest,
        "better than 386 outside"
    );

    let mut deep = inner;
    for _ in 0..3 {
        deep = content.index(&[(deep, None)]);
    }
    content.tag(&deep);
    let fixture = Fixture::start(content).await;
    for platforms in ["linux/amd64", "all"] {
        let error = fixture.pull(platforms).await.expect_err("too deep");
        assert!(error.to_string().contains("more than 3 deep"), "{error}");
    }
}

#[tokio::test]
async fn an_index_with_too_many_entries_is_refused() {
    let mut content = Content::default();
    let entries: Vec<_> = (0..1001)
        .map(|n: u32| {
            let bytes = n.to_be_bytes();
            (
                Descriptor::of(media_type::OCI_MANIFEST, &bytes),
                Some("linux/amd64"),
            )
        })
        .collect();
    let index = content.index(&entries);
    content.tag(&index);
    let fixture = Fixture::start(content).await;
    for platforms in ["linux/amd64", "all"] {
        let error = fixture.pull(platforms).await.expect_err("too many");
        assert!(error.to_string().contains("more than 1000"), "{error}");
    }
    assert_eq!(fixture.asked(), ["manifests/v1", "manifests/v1"]);
}

#[tokio::test]
async fn a_single_image_for_another_platform_is_pulled_and_noticed() {
    let mut content = Content::default();
    let arm = content.image("linux/arm64", &[b"arm"]);
    content.tag(&arm);
    let fixture = Fixture::start(content).await;
    let pulled = fixture.pull("linux/amd64").await.expect("pulled");
    let reader = ManifestReader {
        repository: None,
        layout: Some(&fixture.layout),
        image: &fixture.image(),
    };
    let bytes = fixture.layout.read_blob(&pulled.digest, 1 << 20);
    let bytes = bytes.expect("readable").expect("there");
    let top = pulled.manifest;
    let raw = RawManifest::read(&top.media_type, top.digest.clone(), bytes).expect("manifest");
    let plan = Plan::make(&reader, top, raw, &PlatformChoice::All)
        .await
        .expect("in the store");
    let foreign = |host: &str| {
        let host = host.parse().expect("platform");
        foreign_platform(&fixture.layout, &plan, &host).map(|p| p.to_string())
    };
    assert_eq!(foreign("linux/amd64").as_deref(), Some("linux/arm64"));
    assert_eq!(foreign("linux/arm64"), None);
    assert_eq!(foreign("all"), None);
}

#[tokio::test]
async fn an_index_of_large_manifests_is_refused_by_their_sum() {
    let mut content = Content::default();
    // Each is within the limit of one manifest; five are beyond that of all.
    let entries: Vec<_> = (0..5_u32)
        .map(|n| {
            let mut entry = Descriptor::of(media_type::OCI_MANIFEST, &n.to_be_bytes());
            entry.size = 4 << 20;
            (entry, Some("linux/amd64"))
        })
        .collect();
    let index = content.index(&entries);
    content.tag(&index);
    let fixture = Fixture::start(content).await;
    let error = fixture.pull("all").await.expect_err("too many bytes");
    assert!(error.to_string().contains("more than 16 MiB"), "{error}");
    assert_eq!(fixture.asked(), ["manifests/v1"], "none of them is fetched");
}

#[tokio::test]
async fn the_images_that_are_read_for_their_platform_have_a_bound_together() {
    let mut content = Content::default();
    let padding = "x".repeat(3 << 20);
    let entries: Vec<_> = (0..7)
        .map(|n| {
            let image = content.image("linux/s390x", &[format!("layer {n}").as_bytes()]);
            let mut document = content.document(&image);
            document["annotations"] = serde_json::json!({ "padding": padding });
            (content.manifest(&document), None)
        })
        .collect();
    let index = content.index(&entries);
    content.tag(&index);
    let fixture = Fixture::start(content).await;
    let error = fixture
        .pull("linux/amd64")
        .await
        .expect_err("too many bytes");
    assert!(error.to_string().contains("more than 16 MiB"), "{error}");
}
