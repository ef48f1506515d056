//! The manifest of one image (OCI image-spec `manifest.md`, and Docker's schema 2).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::descriptor::Descriptor;
use super::null::or_default;

/// A manifest: a configuration and layers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Every other field as it was read: the schema version, annotations, the subject.
    #[serde(flatten)]
    pub other: Map<String, Value>,
    /// The configuration blob.
    pub config: Descriptor,
    /// The layers, lowest first. May be empty.
    #[serde(default, deserialize_with = "or_default")]
    pub layers: Vec<Descriptor>,
}

impl Manifest {
    /// All blobs of the image: the configuration, then the layers.
    pub fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        std::iter::once(&self.config).chain(&self.layers)
    }
}
