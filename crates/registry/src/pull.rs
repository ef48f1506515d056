//! Pulls an image: manifest, platform, blobs side by side, name.
//!
//! What the store has is not fetched again: a pull of an image that is there costs one manifest
//! request. The order of writes is blobs, manifests, name, so that a pull that ends half-way leaves
//! blobs which the next pull uses, and no name that leads nowhere.
//!
//! The name leads to what the registry has under it. Where that is an index and one platform was
//! wanted, the store holds the index whole and of its images only that one, which image-spec allows
//! (a sparse index); a pull for another platform adds to it.

mod blob_sink;
mod blobs;
mod host_platform;
mod manifest_reader;
mod plan;
mod platform_choice;
mod progress;
mod selection;
mod stored;
mod transfer;

use std::num::NonZeroUsize;

use regcred_core::ImageRef;

pub use platform_choice::PlatformChoice;
pub use progress::{BlobState, NoProgress, Progress, PullEvent};
pub use stored::stored;

use self::blobs::Blobs;
use self::manifest_reader::Documents;
use self::plan::Plan;
use crate::client::{Object, Part, Reason, RegistryError, Repository};
use crate::image::{Descriptor, Digest, Platform};
use crate::store::{Layout, LayoutError};

/// How to pull.
#[derive(Clone, Debug)]
pub struct PullOptions {
    /// For which platforms.
    pub platforms: PlatformChoice,
    /// How many blobs are downloaded at the same time.
    pub streams: NonZeroUsize,
}

impl Default for PullOptions {
    /// This machine's platform, four streams.
    fn default() -> Self {
        Self {
            platforms: PlatformChoice::default(),
            streams: const { NonZeroUsize::new(4).expect("four") },
        }
    }
}

/// An image in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PulledImage {
    /// What was asked for, with tag `latest` if there was neither tag nor digest. Its text is the
    /// image's name in the store.
    pub image: ImageRef,
    /// What the registry has under that name, and the name in the store leads to: the digest of a
    /// manifest or an index.
    pub digest: Digest,
    /// The manifest for the platform; the index when all platforms were pulled.
    pub manifest: Descriptor,
    /// The digest of the configuration, which container runtimes call the image's ID; `None` when
    /// several platforms were pulled.
    pub config: Option<Digest>,
    /// How many blobs (configurations and layers) it has.
    pub blobs: usize,
    /// Their bytes, together.
    pub size: u64,
    /// How many of them were downloaded just now.
    pub fetched_blobs: usize,
    /// The bytes downloaded just now.
    pub fetched_bytes: u64,
}

impl PulledImage {
    fn new(image: ImageRef, plan: &Plan) -> Self {
        Self {
            image,
            digest: plan.top.digest.clone(),
            manifest: plan.manifest.clone(),
            config: plan.config.clone(),
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

/// Pulls `image` into the store and names it there.
///
/// # Errors
/// What the registry answered (see [`RegistryError::is_curable_by_credential`]); content that is
/// not what its digest says; no image for the platform; a store that cannot be written, with the
/// [`LayoutError`] as its source. Blobs that were complete by then stay in the store.
pub async fn pull(
    repository: &Repository,
    layout: &Layout,
    image: &ImageRef,
    options: &PullOptions,
    progress: &dyn Progress,
) -> Result<PulledImage, RegistryError> {
    let image = image.clone().with_default_tag();
    let documents = Documents {
        repository: Some(repository),
        layout,
        image: &image,
    };
    let top = documents.top().await?;
    let plan = Plan::make(&documents, top, &options.platforms).await?;
    progress.event(PullEvent::Resolved {
        image: &image,
        digest: &plan.top.digest,
        blobs: plan.blobs.len(),
        bytes: plan.size(),
    });
    let fetched = Blobs {
        repository,
        layout,
        image: &image,
        progress,
        streams: options.streams,
    }
    .fetch(&plan.blobs)
    .await?;
    store(layout, &image, &plan).map_err(|error| local(&image, error))?;
    if fetched.blobs > 0
        && let Some(platform) = foreign_platform(layout, &plan, &options.platforms)
    {
        let wanted = &options.platforms;
        tracing::warn!("{image} is for {platform} and not for {wanted}: the registry has no other");
    }
    Ok(PulledImage {
        fetched_blobs: fetched.blobs,
        fetched_bytes: fetched.bytes,
        ..PulledImage::new(image, &plan)
    })
}

/// Manifests, children first, then the name.
fn store(layout: &Layout, image: &ImageRef, plan: &Plan) -> Result<(), LayoutError> {
    for (descriptor, bytes) in &plan.documents {
        layout.put_bytes(descriptor, bytes)?;
    }
    layout.tag(&image.to_string(), &plan.top)
}

/// The platform of an image that came without an index, if it is not the one wanted. Such an image
/// is pulled all the same, as other clients do: it may be an artifact, or meant for an emulator.
fn foreign_platform(layout: &Layout, plan: &Plan, platforms: &PlatformChoice) -> Option<Platform> {
    let (PlatformChoice::One(host), true) = (platforms, plan.manifest == plan.top) else {
        return None;
    };
    let config = layout.read_blob(plan.config.as_ref()?, manifest_reader::LARGEST);
    let platform: Platform = serde_json::from_slice(&config.ok()??).ok()?;
    let named = !platform.os.is_empty() && !platform.architecture.is_empty();
    (named && host.rank(&platform).is_none()).then_some(platform)
}

/// A failure of the store, or content that its hash or size gives away, as the pull's error.
fn local(image: &ImageRef, error: LayoutError) -> RegistryError {
    let blob = |digest: Digest| Object {
        repository: image.name(),
        part: Part::Blob(digest),
    };
    match error {
        LayoutError::Mismatch { expected, actual } => {
            RegistryError::new(&blob(expected), Reason::Digest { actual })
        }
        LayoutError::Size {
            digest,
            expected,
            actual,
        } => RegistryError::new(&blob(digest), Reason::Size { expected, actual }),
        other => RegistryError::local(image, "cannot store the image").caused_by(other),
    }
}

#[cfg(test)]
mod tests;
