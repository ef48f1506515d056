mod divided;
mod fake;
mod platforms;

use serde_json::json;

use super::*;
use crate::image::RawManifest;
use crate::{Descriptor, NoProgress, media_type};
use fake::{Content, Events, Fixture};

#[tokio::test]
async fn an_image_is_pulled_named_and_found_again() {
    let mut content = Content::default();
    let manifest = content.image("linux/amd64", &[b"layer one", b"layer two"]);
    content.tag(&manifest);
    let blobs = content.blobs_of(&manifest);
    let fixture = Fixture::start(content).await;

    let pulled = fixture.pull("linux/amd64").await.expect("pulled");
    assert_eq!(pulled.digest, manifest.digest);
    assert_eq!(pulled.config.as_ref(), Some(&blobs[0].digest));
    assert_eq!((pulled.blobs, pulled.fetched_blobs), (3, 3));
    assert_eq!(pulled.fetched_bytes, pulled.size);
    assert_eq!(
        pulled.pinned().to_string(),
        format!("{}@{}", fixture.image().name(), manifest.digest)
    );
    for blob in blobs.iter().chain([&manifest]) {
        assert!(fixture.layout.has_blob(blob));
    }
    let name = fixture.image().to_string();
    let entry = fixture
        .layout
        .resolve(&name)
        .expect("index")
        .expect("named");
    assert_eq!(entry.digest, manifest.digest);
    assert!(fixture.debris().is_empty());

    let stored = fixture.stored("linux/amd64").await.expect("stored");
    assert_eq!((stored.digest, stored.blobs), (pulled.digest, 3));
    assert_eq!(stored.fetched_blobs, 0);
}

#[tokio::test]
async fn a_warm_pull_is_one_manifest_request() {
    let mut content = Content::default();
    let amd = content.image("linux/amd64", &[b"amd"]);
    let index = content.index(&[(amd, Some("linux/amd64"))]);
    content.tag(&index);
    let fixture = Fixture::start(content).await;
    fixture.pull("linux/amd64").await.expect("pulled");
    fixture.asked();

    let events = Events::default();
    let again = fixture
        .pull_with("linux/amd64", &events)
        .await
        .expect("pulled");
    assert_eq!(fixture.asked(), ["manifests/v1"]);
    assert_eq!((again.fetched_blobs, again.fetched_bytes), (0, 0));
    assert!(events.all()[1..].iter().all(|e| e.ends_with(" Exists")));
}

#[tokio::test]
async fn the_name_refers_to_an_index_only_when_all_of_it_is_in_the_store() {
    let mut content = Content::default();
    let arm = content.image("linux/arm64", &[b"arm"]);
    let amd = content.image("linux/amd64", &[b"amd"]);
    let index = content.index(&[
        (arm.clone(), Some("linux/arm64")),
        (amd.clone(), Some("linux/amd64")),
    ]);
    content.tag(&index);
    let fixture = Fixture::start(content).await;
    let by_platform = ["linux/arm64", "all", "linux/amd64"];
    for (platforms, named) in by_platform.into_iter().zip([&arm, &index, &index]) {
        fixture.pull(platforms).await.expect("pulled");
        assert_eq!(fixture.named().digest, named.digest, "{platforms}");
        assert!(fixture.stored(platforms).await.is_some(), "{platforms}");
    }
    // Another program's garbage collection may not know the index.
    let other = Fixture::start(fixture.content()).await;
    other.pull("linux/amd64").await.expect("pulled");
    std::fs::remove_file(other.layout.blob_path(&index.digest)).expect("there");
    assert!(other.stored("linux/amd64").await.is_none());
    assert_eq!(
        other
            .pull("linux/amd64")
            .await
            .expect("again")
            .fetched_blobs,
        0
    );
    assert!(other.stored("linux/amd64").await.is_some());
}

#[tokio::test]
async fn all_platforms_share_blobs_and_are_stored_as_an_index() {
    let mut content = Content::default();
    let arm = content.image("linux/arm64", &[b"shared", b"arm"]);
    let amd = content.image("linux/amd64", &[b"shared", b"amd"]);
    let odd = Descriptor::of("application/x-odd", b"unknown type");
    let index = content.index(&[
        (arm, Some("linux/arm64")),
        (amd.clone(), Some("linux/amd64")),
        (odd, None),
    ]);
    content.tag(&index);
    let fixture = Fixture::start(content).await;
    let pulled = fixture.pull("all").await.expect("pulled");
    assert_eq!((pulled.blobs, pulled.fetched_blobs), (5, 5));
    assert_eq!(pulled.manifest.digest, index.digest);
    assert_eq!(pulled.config, None);
    for platforms in ["all", "linux/amd64", "linux/arm64"] {
        assert!(fixture.stored(platforms).await.is_some(), "{platforms}");
    }
    let one = fixture.stored("linux/amd64").await.expect("stored");
    assert_eq!(one.manifest.digest, amd.digest);
}

#[tokio::test]
async fn a_digest_that_occurs_twice_is_fetched_once() {
    let mut content = Content::default();
    let manifest = content.image("linux/amd64", &[b"same", b"same", b"other"]);
    content.tag(&manifest);
    let fixture = Fixture::start(content).await;
    let pulled = fixture.pull("linux/amd64").await.expect("pulled");
    assert_eq!(pulled.blobs, 3);
    assert_eq!(fixture.asked().len(), 4);
}

#[tokio::test]
async fn one_digest_with_two_sizes_is_refused() {
    let mut content = Content::default();
    let layer = content.blob(media_type::OCI_LAYER_GZIP, b"layer");
    let mut liar = layer.clone();
    liar.size = 7;
    let manifest = content.manifest(&json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST,
        "config": layer, "layers": [liar],
    }));
    content.tag(&manifest);
    let fixture = Fixture::start(content).await;
    let error = fixture.pull("linux/amd64").await.expect_err("two sizes");
    assert!(error.to_string().contains("two sizes"), "{error}");
}

#[tokio::test]
async fn wrong_content_leaves_no_name_and_no_debris_but_what_was_sound() {
    let mut content = Content::default();
    let manifest = content.image("linux/amd64", &[b"sound", b"rotten"]);
    content.tag(&manifest);
    let rotten = content.blobs_of(&manifest).remove(2);
    content.corrupt(&rotten, b"cotten");
    let fixture = Fixture::start(content).await;
    let error = fixture.pull("linux/amd64").await.expect_err("wrong digest");
    assert!(
        error.to_string().contains(rotten.digest.as_str()),
        "{error}"
    );
    assert_eq!(error.kind(), regcred_core::ErrorKind::Malformed);
    assert!(!error.is_curable_by_credential());
    assert!(!fixture.layout.has_blob(&rotten));
    assert!(fixture.debris().is_empty());
    let name = fixture.image().to_string();
    assert!(fixture.layout.resolve(&name).expect("index").is_none());
    assert!(fixture.stored("linux/amd64").await.is_none());
}

#[tokio::test]
async fn a_missing_blob_can_be_cured_by_another_credential() {
    let mut content = Content::default();
    let manifest = content.image("linux/amd64", &[b"layer"]);
    content.tag(&manifest);
    let layer = content.blobs_of(&manifest).remove(1);
    content.remove(&layer);
    let fixture = Fixture::start(content).await;
    let error = fixture.pull("linux/amd64").await.expect_err("404");
    assert!(error.is_curable_by_credential(), "{error}");
    assert!(fixture.debris().is_empty());
}

#[tokio::test]
async fn embedded_data_and_odd_types_are_stored() {
    let mut content = Content::default();
    let mut config = Descriptor::of(media_type::OCI_EMPTY, b"{}");
    config.data = Some("e30=".to_owned());
    let chart = content.blob(
        "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
        b"chart",
    );
    let manifest = content.manifest(&json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST,
        "artifactType": "application/x-thing", "config": config, "layers": [chart],
    }));
    content.tag(&manifest);
    let fixture = Fixture::start(content).await;
    fixture.pull("linux/amd64").await.expect("pulled");
    assert!(fixture.layout.has_blob(&config) && fixture.layout.has_blob(&chart));
    let asked = fixture.asked();
    assert_eq!(asked.len(), 2, "the configuration was at hand: {asked:?}");
}

#[tokio::test]
async fn an_image_larger_than_the_disk_is_refused_before_any_blob() {
    let mut content = Content::default();
    let mut layer = content.blob(media_type::OCI_LAYER_GZIP, b"layer");
    layer.size = u64::MAX / 2;
    let config = content.blob(media_type::OCI_CONFIG, b"{}");
    let manifest = content.manifest(&json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST,
        "config": config, "layers": [layer],
    }));
    content.tag(&manifest);
    let fixture = Fixture::start(content).await;
    let error = fixture.pull("linux/amd64").await.expect_err("too large");
    let text = regcred_core::report(&error);
    assert!(text.contains("bytes are needed"), "{text}");
    assert_eq!(fixture.asked(), ["manifests/v1"]);
}

#[tokio::test]
async fn two_pulls_at_once_fetch_a_large_layer_once() {
    let mut content = Content::default();
    let large = vec![7; 3 << 20];
    let manifest = content.image("linux/amd64", &[&large]);
    content.tag(&manifest);
    let layer = content.blobs_of(&manifest).remove(1);
    let fixture = Fixture::start(content).await;
    let (one, two) = tokio::join!(fixture.pull("linux/amd64"), fixture.pull("linux/amd64"));
    let (one, two) = (one.expect("pulled"), two.expect("pulled"));
    assert_eq!(one.digest, two.digest);
    let path = format!("blobs/{}", layer.digest);
    let asked = fixture.asked();
    assert_eq!(asked.iter().filter(|p| **p == path).count(), 1, "{asked:?}");
    assert!(fixture.debris().is_empty());
}

#[tokio::test]
async fn events_follow_each_blob() {
    let mut content = Content::default();
    let manifest = content.image("linux/amd64", &[b"first layer"]);
    content.tag(&manifest);
    let fixture = Fixture::start(content).await;
    let events = Events::default();
    fixture
        .pull_with("linux/amd64", &events)
        .await
        .expect("pulled");
    let all = events.all();
    assert!(all[0].starts_with("resolved 2 "), "{all:?}");
    let layer: Vec<_> = all.iter().filter(|e| e.starts_with("11 ")).collect();
    assert_eq!(
        layer,
        ["11 Waiting", "11 Downloading { done: 11 }", "11 Done"]
    );
}

#[tokio::test]
async fn a_pull_by_digest_is_stored_under_that_name() {
    let mut content = Content::default();
    let manifest = content.image("linux/amd64", &[b"layer"]);
    let fixture = Fixture::start(content).await;
    let image = fixture.image().with_digest(manifest.digest.as_str());
    let options = PullOptions::default();
    let repository = fixture.repository();
    let pulled = pull(&repository, &fixture.layout, &image, &options, &NoProgress)
        .await
        .expect("pulled");
    assert_eq!(pulled.pinned(), image);
    let entry = fixture.layout.resolve(&image.to_string());
    assert_eq!(
        entry.expect("index").expect("named").digest,
        manifest.digest
    );
}

#[tokio::test]
async fn what_an_interrupted_pull_left_of_a_layer_is_not_fetched_again() {
    let large: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    let mut content = Content::default();
    let manifest = content.image("linux/amd64", &[&large]);
    content.tag(&manifest);
    let layer = content.blobs_of(&manifest).remove(1);
    let fixture = Fixture::start(content).await;
    let leave = |beginning: &[u8]| {
        let mut writer = fixture.layout.blob_writer(&layer).expect("writer");
        writer.write(beginning).expect("written");
    };

    leave(&large[..2_000_000]);
    let events = Events::default();
    let pulled = fixture.pull_with("linux/amd64", &events).await;
    let pulled = pulled.expect("pulled");
    assert_eq!(pulled.fetched_bytes, pulled.size - 2_000_000);
    assert_eq!(fixture.ranges(&layer), ["bytes=2000000-2999999"]);
    let resumed = "3000000 Resumed { done: 2000000 }".to_owned();
    assert!(events.all().contains(&resumed), "{:?}", events.all());
    assert!(fixture.layout.has_blob(&layer) && fixture.debris().is_empty());

    // As a power cut may leave it.
    std::fs::remove_file(fixture.layout.blob_path(&layer.digest)).expect("there");
    leave(&[0; 2_000_000]);
    let pulled = fixture.pull("linux/amd64").await.expect("pulled");
    assert_eq!(pulled.fetched_bytes, 4_000_000);
    let ranges = ["bytes=2000000-2999999", "bytes=2000000-2999999", ""];
    assert_eq!(fixture.ranges(&layer), ranges);
    assert!(fixture.layout.has_blob(&layer) && fixture.debris().is_empty());
}
