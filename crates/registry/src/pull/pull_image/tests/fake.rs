//! A registry of documents and blobs in memory, and a store to pull into.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use regcred_core::ImageRef;
use serde_json::{Value, json};

use super::super::*;
use crate::fake::{Fake, Reply, Seen, partial, range};
use crate::{Descriptor, Hosts, NoProgress, media_type, stored};

/// What the fake registry has under `team/app`.
#[derive(Clone, Default)]
pub(super) struct Content {
    manifests: HashMap<String, (String, Vec<u8>)>,
    blobs: HashMap<String, Vec<u8>>,
}

impl Content {
    /// Adds an image of a configuration for `platform` and layers; answers its manifest.
    pub(super) fn image(&mut self, platform: &str, layers: &[&[u8]]) -> Descriptor {
        let platform: Platform = platform.parse().expect("platform");
        let config = json!({
            "architecture": platform.architecture, "os": platform.os, "variant": platform.variant,
            "rootfs": {"type": "layers", "diff_ids": []},
        });
        let config = self.blob(media_type::OCI_CONFIG, config.to_string().as_bytes());
        let layers: Vec<_> = layers
            .iter()
            .map(|layer| self.blob(media_type::OCI_LAYER_GZIP, layer))
            .collect();
        self.manifest(&json!({
            "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST,
            "config": config, "layers": layers,
        }))
    }

    /// Adds an index; entries get the platform that is given with them.
    pub(super) fn index(&mut self, entries: &[(Descriptor, Option<&str>)]) -> Descriptor {
        let manifests: Vec<Value> = entries
            .iter()
            .map(|(entry, platform)| {
                let mut entry = entry.clone();
                entry.platform = platform.map(|p| p.parse().expect("platform"));
                json!(entry)
            })
            .collect();
        self.manifest(&json!({
            "schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": manifests,
        }))
    }

    /// Adds a manifest or index under its digest.
    pub(super) fn manifest(&mut self, document: &Value) -> Descriptor {
        let kind = document["mediaType"].as_str().expect("media type");
        let bytes = document.to_string().into_bytes();
        let descriptor = Descriptor::of(kind, &bytes);
        let reference = descriptor.digest.to_string();
        self.manifests.insert(reference, (kind.to_owned(), bytes));
        descriptor
    }

    /// The document of a manifest.
    pub(super) fn document(&self, manifest: &Descriptor) -> Value {
        serde_json::from_slice(&self.manifests[manifest.digest.as_str()].1).expect("a document")
    }

    pub(super) fn blob(&mut self, kind: &str, bytes: &[u8]) -> Descriptor {
        let descriptor = Descriptor::of(kind, bytes);
        self.blobs
            .insert(descriptor.digest.to_string(), bytes.to_vec());
        descriptor
    }

    /// Tags a manifest `v1`.
    pub(super) fn tag(&mut self, manifest: &Descriptor) {
        let found = self.manifests[manifest.digest.as_str()].clone();
        self.manifests.insert("v1".to_owned(), found);
    }

    /// Replaces a blob's bytes by others.
    pub(super) fn corrupt(&mut self, blob: &Descriptor, bytes: &[u8]) {
        self.blobs.insert(blob.digest.to_string(), bytes.to_vec());
    }

    pub(super) fn remove(&mut self, blob: &Descriptor) {
        self.blobs.remove(blob.digest.as_str());
    }

    fn reply(&self, seen: &Seen) -> Reply {
        let found = if let Some(reference) = seen.path.strip_prefix("/v2/team/app/manifests/") {
            self.manifests.get(reference).cloned()
        } else if let Some(digest) = seen.path.strip_prefix("/v2/team/app/blobs/") {
            let kind = "application/octet-stream".to_owned();
            self.blobs.get(digest).map(|bytes| (kind, bytes.clone()))
        } else {
            None
        };
        match found {
            Some((kind, bytes)) => {
                let reply = match range(seen) {
                    Some(range) => partial(&bytes, range),
                    None => Reply::ok(bytes),
                };
                reply.header("Content-Type", kind)
            }
            None => Reply::new(404),
        }
    }

    /// The manifest's configuration and layers.
    pub(super) fn blobs_of(&self, manifest: &Descriptor) -> Vec<Descriptor> {
        let (_, bytes) = &self.manifests[manifest.digest.as_str()];
        let manifest: crate::Manifest = serde_json::from_slice(bytes).expect("manifest");
        manifest.blobs().cloned().collect()
    }
}

/// A running registry with `team/app`, and an empty store.
pub(super) struct Fixture {
    content: Content,
    server: Fake,
    asked: AtomicUsize,
    directory: tempfile::TempDir,
    pub(super) layout: Layout,
}

impl Fixture {
    pub(super) async fn start(content: Content) -> Self {
        Self::scripted(content, |_, reply| reply).await
    }

    /// A registry with a script that may spoil its replies.
    pub(super) async fn scripted(
        content: Content,
        spoil: impl Fn(&Seen, Reply) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let served = content.clone();
        let server = Fake::start(move |seen| spoil(seen, served.reply(seen))).await;
        let directory = tempfile::tempdir().expect("directory");
        let layout = Layout::open_or_create(directory.path()).expect("layout");
        Self {
            content,
            layout: layout.durable(false),
            asked: AtomicUsize::new(0),
            directory,
            server,
        }
    }

    /// What the registry has.
    pub(super) fn content(&self) -> Content {
        self.content.clone()
    }

    /// The image's entry in the store's `index.json`.
    pub(super) fn named(&self) -> Descriptor {
        let entry = self.layout.resolve(&self.image().to_string());
        entry.expect("an index").expect("a name")
    }

    pub(super) fn image(&self) -> ImageRef {
        crate::fake::image(&self.server)
    }

    pub(super) fn repository(&self) -> Repository {
        crate::fake::client(Hosts::none()).repository(&self.image(), None)
    }

    pub(super) async fn pull(&self, platforms: &str) -> Result<PulledImage, RegistryError> {
        self.pull_with(platforms, &NoProgress).await
    }

    pub(super) async fn pull_with(
        &self,
        platforms: &str,
        progress: &dyn Progress,
    ) -> Result<PulledImage, RegistryError> {
        let options = PullOptions {
            platforms: platforms.parse().expect("platforms"),
            ..PullOptions::default()
        };
        self.pull_as(&options, progress).await
    }

    pub(super) async fn pull_as(
        &self,
        options: &PullOptions,
        progress: &dyn Progress,
    ) -> Result<PulledImage, RegistryError> {
        let (repository, image) = (self.repository(), self.image());
        pull(&repository, &self.layout, &image, options, progress).await
    }

    pub(super) async fn stored(&self, platforms: &str) -> Option<PulledImage> {
        let platforms = platforms.parse().expect("platforms");
        stored(&self.layout, &self.image(), &platforms)
            .await
            .expect("a readable store")
    }

    /// The paths asked for since the last call.
    pub(super) fn asked(&self) -> Vec<String> {
        let requests = self.server.seen();
        let before = self.asked.swap(requests.len(), Ordering::Relaxed);
        let mut paths: Vec<_> = requests[before..]
            .iter()
            .map(|request| request.path.replace("/v2/team/app/", ""))
            .collect();
        paths.sort();
        paths
    }

    /// The `Range` of each request for a blob so far.
    pub(super) fn ranges(&self, blob: &Descriptor) -> Vec<String> {
        let path = format!("/v2/team/app/blobs/{}", blob.digest);
        let requests = self.server.seen_at(&path).into_iter();
        let range = |seen: Seen| seen.header("range").unwrap_or_default().to_owned();
        requests.map(range).collect()
    }

    /// Temporary files that are still there.
    pub(super) fn debris(&self) -> Vec<PathBuf> {
        std::fs::read_dir(self.directory.path().join("ingest"))
            .expect("ingest")
            .map(|entry| entry.expect("entry").path())
            .filter(|path| path.extension().is_some_and(|e| e == "part"))
            .collect()
    }
}

/// Writes every event down as a line.
#[derive(Default)]
pub(super) struct Events(Mutex<Vec<String>>);

impl Events {
    pub(super) fn all(&self) -> Vec<String> {
        self.0.lock().expect("sound").clone()
    }
}

impl Progress for Events {
    fn event(&self, event: TransferEvent<'_>) {
        let line = match event {
            TransferEvent::Resolved { blobs, bytes, .. } => format!("resolved {blobs} {bytes}"),
            TransferEvent::Blob { descriptor, state } => format!("{} {state:?}", descriptor.size),
        };
        self.0.lock().expect("sound").push(line);
    }
}
