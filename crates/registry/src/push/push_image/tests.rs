mod interrupted;
mod other_repositories;
mod refusals;
mod registry;
mod session_addresses;

use serde_json::json;

use super::*;
use crate::{Layout, NoProgress, Repository, media_type};
use registry::{Quirks, Registry};

/// A store with an index of two images, which share a layer.
struct Stored {
    _directory: tempfile::TempDir,
    layout: Layout,
    image: regcred_core::ImageRef,
    index: RawManifest,
    children: Vec<Digest>,
    /// Larger than what is sent in one request.
    large: Descriptor,
    blobs: Vec<Descriptor>,
}

impl Stored {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("directory");
        let layout = Layout::open_or_create(directory.path()).expect("layout");
        let layout = layout.durable(false);
        let put = |kind: &str, bytes: &[u8]| {
            let blob = Descriptor::of(kind, bytes);
            layout.put_bytes(&blob, bytes).expect("stored");
            blob
        };
        let content: Vec<u8> = (0..5_000_000_u32).map(|n| n.to_le_bytes()[1]).collect();
        let large = put(media_type::OCI_LAYER_GZIP, &content);
        let (mut blobs, mut entries) = (vec![large.clone()], Vec::new());
        for architecture in ["amd64", "arm64"] {
            let config = json!({"os": "linux", "architecture": architecture}).to_string();
            let config = put(media_type::OCI_CONFIG, config.as_bytes());
            let own = put(media_type::OCI_LAYER_GZIP, architecture.as_bytes());
            // Spaces and unknown fields stay as they are.
            let document = format!(
                "{{ \"schemaVersion\":2, \"mediaType\":\"{}\", \"later\":[1],\n \"config\":{}, \"layers\":{}}}",
                media_type::OCI_MANIFEST,
                json!(config),
                json!([large, own]),
            );
            let mut entry = put(media_type::OCI_MANIFEST, document.as_bytes());
            entry.platform = format!("linux/{architecture}").parse().ok();
            entries.push(entry);
            blobs.extend([config, own]);
        }
        let index = json!({
            "schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": entries,
        });
        let index = RawManifest::write(media_type::OCI_INDEX, &index).expect("index");
        put(media_type::OCI_INDEX, &index.bytes);
        let image = regcred_core::ImageRef::parse("reg.example/a/b:v1").expect("image");
        layout
            .tag(&image.to_string(), &index.descriptor())
            .expect("named");
        Self {
            _directory: directory,
            layout,
            image,
            index,
            children: entries.into_iter().map(|entry| entry.digest).collect(),
            large,
            blobs,
        }
    }

    fn source(&self) -> ImageSource {
        ImageSource::layout(&self.image, &self.layout)
    }

    /// Pushes with one stream, so that the order is the same each time.
    async fn push(&self, target: &Repository, tags: &[&str]) -> Result<PushedImage, RegistryError> {
        let top = self.source().manifest().await?;
        let mut push = Push::new(target, &NoProgress);
        push.streams = NonZeroUsize::MIN;
        push.image(&self.source(), &top, tags).await
    }

    /// Everything is in the repository as it is in the store.
    fn assert_pushed(&self, registry: &Registry, path: &str) {
        for blob in &self.blobs {
            let bytes = registry.blob(path, &blob.digest).expect("there");
            assert!(blob.digest.matches(&bytes));
        }
        for digest in self.children.iter().chain([&self.index.digest]) {
            let bytes = registry.manifest(path, digest.as_str()).expect("there");
            assert!(digest.matches(&bytes));
        }
        assert_eq!(registry.open_sessions(), 0);
    }
}

#[tokio::test]
async fn an_image_is_pushed_from_a_store_once_and_its_tags_come_last() {
    let (stored, registry) = (Stored::new(), Registry::start(Quirks::default()).await);
    let target = registry.repository("team/app", None);
    let pushed = stored
        .push(&target, &["v1", "latest"])
        .await
        .expect("pushed");
    assert_eq!(pushed.digest, stored.index.digest);
    assert_eq!((pushed.blobs, pushed.uploaded_blobs), (5, 5));
    stored.assert_pushed(&registry, "team/app");
    for tag in ["v1", "latest"] {
        let bytes = registry.manifest("team/app", tag).expect("tagged");
        assert_eq!(bytes, stored.index.bytes);
    }
    let writes = registry.writes(0);
    let documents = writes.iter().filter(|write| write.contains("manifests"));
    let documents: Vec<_> = documents
        .map(|write| write.replace("PUT team/app/manifests/", ""))
        .collect();
    let [arm, amd] = [&stored.children[1], &stored.children[0]].map(Digest::as_str);
    assert_eq!(
        documents,
        [arm, amd, stored.index.digest.as_str(), "v1", "latest"]
    );
    // The large blob is a session with a stream; the others go with the end of theirs.
    let of = |method: &str| {
        writes
            .iter()
            .filter(|write| write.starts_with(method))
            .count()
    };
    assert_eq!((of("POST"), of("PATCH")), (5, 1));

    let before = registry.server.seen().len();
    let again = stored.push(&target, &["v1"]).await.expect("pushed");
    assert_eq!((again.uploaded_blobs, again.uploaded_bytes), (0, 0));
    assert_eq!(registry.writes(before), ["PUT team/app/manifests/v1"]);
    assert_eq!(registry.server.seen().len(), before + 2);
}

#[tokio::test]
async fn content_that_is_not_the_blobs_is_refused_by_the_registry() {
    let (stored, registry) = (Stored::new(), Registry::start(Quirks::default()).await);
    let target = registry.repository("team/app", None);
    let path = stored.layout.blob_path(&stored.large.digest);
    std::fs::write(&path, vec![0; 5_000_000]).expect("written");
    let error = stored.push(&target, &["v1"]).await.expect_err("rotten");
    assert_eq!(Vec::from_iter(error.codes()), ["DIGEST_INVALID"]);
    assert!(
        error.to_string().contains(stored.large.digest.as_str()),
        "{error}"
    );
    assert!(registry.blob("team/app", &stored.large.digest).is_none());
}

#[tokio::test]
async fn of_a_changed_index_only_the_new_image_is_looked_for() {
    let (stored, registry) = (Stored::new(), Registry::start(Quirks::default()).await);
    let target = registry.repository("team/app", None);
    let push = Push::new(&target, &NoProgress);
    let child = &stored.children[0];
    let bytes = std::fs::read(stored.layout.blob_path(child)).expect("there");
    let child = RawManifest::read("", child.clone(), bytes.into()).expect("a manifest");
    push.image(&stored.source(), &child, &[])
        .await
        .expect("pushed");
    let before = registry.server.seen().len();
    let pushed = stored.push(&target, &["v1"]).await.expect("pushed");
    assert_eq!(
        (pushed.blobs, pushed.uploaded_blobs),
        (5, 2),
        "the layer is shared"
    );
    let seen = registry.server.seen().split_off(before);
    let heads = seen.iter().filter(|seen| seen.method == "HEAD").count();
    assert_eq!(heads, 3 + 3, "manifests, and blobs of the new image");
    stored.assert_pushed(&registry, "team/app");
}

#[tokio::test]
async fn a_layer_that_a_registry_does_not_distribute_is_not_sent() {
    let (stored, registry) = (Stored::new(), Registry::start(Quirks::default()).await);
    let target = registry.repository("team/app", None);
    let mut foreign = Descriptor::of(
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        b"of another company",
    );
    foreign.urls = vec!["https://layers.example/1".to_owned()];
    let manifest = only(&stored, &foreign);
    let push = Push::new(&target, &NoProgress);
    let pushed = push
        .image(&stored.source(), &manifest, &["v1"])
        .await
        .expect("pushed");
    assert_eq!((pushed.blobs, pushed.uploaded_blobs), (2, 1));
    assert!(registry.manifest("team/app", "v1").is_some());
}

/// A manifest with this one blob.
fn only(stored: &Stored, blob: &Descriptor) -> RawManifest {
    let config = Descriptor::of(media_type::OCI_EMPTY, b"{}");
    stored.layout.put_bytes(&config, b"{}").expect("stored");
    let document = json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST,
        "config": config, "layers": [blob],
    });
    RawManifest::write(media_type::OCI_MANIFEST, &document).expect("manifest")
}
