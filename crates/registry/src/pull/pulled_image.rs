//! An image in the store.

use regcred_core::ImageRef;

use crate::content::Plan;
use crate::image::{Descriptor, Digest};

/// An image in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PulledImage {
    /// What was asked for, with tag `latest` if there was neither tag nor digest. Its text is the
    /// image's name in the store.
    pub image: ImageRef,
    /// The digest of the manifest or index that the registry has under that name.
    pub digest: Digest,
    /// The manifest for the platform; the index when all platforms were pulled.
    pub manifest: Descriptor,
    /// The digest of the configuration, which container runtimes call the image's ID; `None` when
    /// several platforms were pulled.
    pub config: Option<Digest>,
    /// Whether this pull sent the image's login: a server receives it only where it does not return
    /// the image without. `None` without a login, and for an image that was in the store.
    pub login_sent: Option<bool>,
    /// Logins of servers' own that this pull sent, each with its server.
    pub host_logins: Vec<String>,
    /// The number of blobs (configurations and layers).
    pub blobs: usize,
    /// The size of all blobs in bytes.
    pub size: u64,
    /// The number of blobs that this pull downloaded.
    pub fetched_blobs: usize,
    /// The bytes that this pull downloaded.
    pub fetched_bytes: u64,
}

impl PulledImage {
    pub(super) fn new(image: ImageRef, plan: &Plan) -> Self {
        Self {
            image,
            digest: plan.top.digest.clone(),
            manifest: plan.manifest.clone(),
            config: plan.config.clone(),
            login_sent: None,
            host_logins: Vec::new(),
            blobs: plan.blobs.len(),
            size: plan.size(),
            fetched_blobs: 0,
            fetched_bytes: 0,
        }
    }

    /// The reference that will always name this content: `host/path@sha256:...`.
    #[must_use]
    pub fn pinned(&self) -> ImageRef {
        self.image.clone().with_digest(self.digest.as_str())
    }
}
