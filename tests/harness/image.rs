//! OCI images built in memory: real tar layers in real gzip, configurations whose `diff_ids`
//! agree, manifests and an index (image-spec `manifest.md`, `image-index.md`, `image-layout.md`).
//! The same seed gives the same image.

mod layer;

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::sigv4::hex;

pub use layer::Layer;

/// Everything that a registry holds for one tag.
#[derive(Clone, Debug)]
pub struct Image {
    manifests: BTreeMap<String, Content>,
    blobs: BTreeMap<String, Content>,
    root: String,
}

/// A manifest or a blob.
#[derive(Clone, Debug)]
pub struct Content {
    /// Media type.
    pub media_type: &'static str,
    /// `sha256:…` of the bytes.
    pub digest: String,
    /// The bytes.
    pub bytes: Bytes,
}

impl Image {
    /// An index of `linux/amd64` and `linux/arm64`. Both images share a layer of `shared` bytes
    /// and have one of `own` bytes each.
    #[must_use]
    pub fn multi_arch(seed: u64, shared: usize, own: usize) -> Self {
        let mut image = Self::empty();
        let common = Layer::random(seed, shared);
        let children: Vec<Value> = [("amd64", 1), ("arm64", 2)]
            .into_iter()
            .map(|(architecture, offset)| {
                let layers = [common.clone(), Layer::random(seed + offset, own)];
                let manifest = image.add_platform(architecture, &layers);
                let mut child = manifest.descriptor();
                child["platform"] = json!({"architecture": architecture, "os": "linux"});
                child
            })
            .collect();
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": children});
        image.root = image.add_manifest(INDEX, &index).digest;
        image
    }

    /// One image for the machine that runs this, without an index: so many layers of so many bytes
    /// each.
    #[must_use]
    pub fn single(seed: u64, layers: usize, bytes: usize) -> Self {
        let mut image = Self::empty();
        let layers: Vec<Layer> = (0..layers as u64)
            .map(|n| Layer::random(seed + n, bytes))
            .collect();
        image.root = image.add_platform(host_architecture(), &layers).digest;
        image
    }

    /// The digest that a tag of this image stands for.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.root
    }

    /// The manifest or index that a tag of this image stands for.
    #[must_use]
    pub fn root(&self) -> &Content {
        &self.manifests[&self.root]
    }

    /// A manifest or index by its digest.
    #[must_use]
    pub fn manifest(&self, digest: &str) -> Option<&Content> {
        self.manifests.get(digest)
    }

    /// A layer or configuration by its digest.
    #[must_use]
    pub fn blob(&self, digest: &str) -> Option<&Content> {
        self.blobs.get(digest)
    }

    /// The digest of the manifest for an architecture; the root's own without an index.
    #[must_use]
    pub fn platform(&self, architecture: &str) -> String {
        let root: Value = serde_json::from_slice(&self.root().bytes).expect("our own JSON");
        root["manifests"]
            .as_array()
            .and_then(|children| {
                children
                    .iter()
                    .find(|child| child["platform"]["architecture"] == architecture)
            })
            .and_then(|child| child["digest"].as_str())
            .unwrap_or(&self.root)
            .to_owned()
    }

    /// The digests of what belongs to a manifest: its configuration, then its layers in order.
    #[must_use]
    pub fn blobs_of(&self, manifest: &str) -> Vec<String> {
        let Some(manifest) = self.manifests.get(manifest) else {
            return Vec::new();
        };
        let value: Value = serde_json::from_slice(&manifest.bytes).expect("our own JSON");
        let layers = value["layers"].as_array().into_iter().flatten();
        std::iter::once(&value["config"])
            .chain(layers)
            .filter_map(|descriptor| descriptor["digest"].as_str().map(str::to_owned))
            .collect()
    }

    /// Writes the image as an OCI layout in `directory`, under that name: what a pusher reads.
    ///
    /// # Panics
    /// When the directory cannot be written.
    pub fn write_layout(&self, directory: &Path, name: &str) {
        let blobs = directory.join("blobs/sha256");
        std::fs::create_dir_all(&blobs).expect("a directory for blobs");
        for content in self.manifests.values().chain(self.blobs.values()) {
            let hex = content.digest.trim_start_matches("sha256:");
            std::fs::write(blobs.join(hex), &content.bytes).expect("a blob");
        }
        let mut entry = self.root().descriptor();
        entry["annotations"] = json!({"org.opencontainers.image.ref.name": name});
        let index = json!({"schemaVersion": 2, "manifests": [entry]});
        std::fs::write(directory.join("index.json"), index.to_string()).expect("an index");
        let marker = json!({"imageLayoutVersion": "1.0.0"});
        std::fs::write(directory.join("oci-layout"), marker.to_string()).expect("a marker");
    }

    fn empty() -> Self {
        Self {
            manifests: BTreeMap::new(),
            blobs: BTreeMap::new(),
            root: String::new(),
        }
    }

    fn add_platform(&mut self, architecture: &str, layers: &[Layer]) -> Content {
        let diff_ids: Vec<&str> = layers.iter().map(Layer::diff_id).collect();
        let config = json!({
            "architecture": architecture,
            "os": "linux",
            "config": {"Cmd": ["/app"]},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        });
        let config = self.add_blob(CONFIG, config.to_string().into());
        let layers: Vec<Value> = layers
            .iter()
            .map(|layer| self.add_blob(LAYER, layer.bytes()).descriptor())
            .collect();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config.descriptor(),
            "layers": layers,
        });
        self.add_manifest(MANIFEST, &manifest)
    }

    fn add_blob(&mut self, media_type: &'static str, bytes: Bytes) -> Content {
        let content = Content::new(media_type, bytes);
        self.blobs.insert(content.digest.clone(), content.clone());
        content
    }

    fn add_manifest(&mut self, media_type: &'static str, manifest: &Value) -> Content {
        let content = Content::new(media_type, manifest.to_string().into());
        self.manifests
            .insert(content.digest.clone(), content.clone());
        content
    }
}

impl Content {
    fn new(media_type: &'static str, bytes: Bytes) -> Self {
        Self {
            media_type,
            digest: digest_of(&bytes),
            bytes,
        }
    }

    fn descriptor(&self) -> Value {
        json!({"mediaType": self.media_type, "digest": self.digest, "size": self.bytes.len()})
    }
}

/// `sha256:` and the hash in lower-case hexadecimal.
#[must_use]
pub fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(bytes)))
}

/// The architecture of the machine that runs this, in Go's words.
#[must_use]
pub fn host_architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// Media type of an index.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// Media type of an image manifest.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// Media type of an image configuration.
pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// Media type of a layer.
pub const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_image() {
        let [one, two] = [7, 7].map(|seed| Image::multi_arch(seed, 5_000, 100));
        assert_eq!(one.digest(), two.digest());
        assert_ne!(one.digest(), Image::multi_arch(8, 5_000, 100).digest());
        assert_ne!(one.platform("amd64"), one.platform("arm64"));
        let shared = |arch| one.blobs_of(&one.platform(arch))[1].clone();
        assert_eq!(shared("amd64"), shared("arm64"));
    }
}
