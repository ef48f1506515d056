//! The pull itself.

use std::num::NonZeroUsize;

use regcred_core::ImageRef;

use super::blobs;
use super::division::Division;
use super::name_entry;
use super::pulled_image::PulledImage;
use super::transfer::Transfer;
use crate::client::{RegistryError, Repository};
use crate::content::{LARGEST_MANIFEST, ManifestReader, Plan, PlatformChoice, store_failure};
use crate::image::Platform;
use crate::progress::{Progress, TransferEvent};
use crate::store::{Layout, LayoutError};

/// How to pull.
#[derive(Clone, Debug)]
pub struct PullOptions {
    /// For which platforms.
    pub platforms: PlatformChoice,
    /// How many blobs are downloaded at the same time.
    pub streams: NonZeroUsize,
    /// When the rest of a large blob is fetched over several connections.
    pub division: Division,
}

impl Default for PullOptions {
    /// This machine's platform, four streams.
    fn default() -> Self {
        Self {
            platforms: PlatformChoice::default(),
            streams: const { NonZeroUsize::new(4).expect("four") },
            division: Division::default(),
        }
    }
}

/// Pulls `image` into the store and names it there.
///
/// # Errors
/// What the registry answered (see [`RegistryError::is_curable_by_credential`]); content that does
/// not match its digest; no image for the platform; a store that cannot be written, with the
/// [`LayoutError`] as its source. Blobs that were complete by then stay in the store.
pub async fn pull(
    repository: &Repository,
    layout: &Layout,
    image: &ImageRef,
    options: &PullOptions,
    progress: &dyn Progress,
) -> Result<PulledImage, RegistryError> {
    let image = image.clone().with_default_tag();
    let _in_use = layout
        .use_shared()
        .map_err(|error| store_failure(&image, error))?;
    let reader = ManifestReader {
        repository: Some(repository),
        layout: Some(layout),
        image: &image,
    };
    // A digest takes precedence over a tag.
    let reference = image.digest().or(image.tag()).unwrap_or("latest");
    let top = repository.manifest(reference).await?;
    let plan = Plan::make(&reader, top.descriptor(), top, &options.platforms).await?;
    progress.event(TransferEvent::Resolved {
        image: &image,
        digest: &plan.top.digest,
        blobs: plan.blobs.len(),
        bytes: plan.size(),
    });
    let transfer = Transfer {
        repository,
        layout,
        image: &image,
        progress,
        division: options.division,
    };
    let downloaded = blobs::fetch(&transfer, &plan.blobs, options.streams).await?;
    store(layout, &image, &plan).map_err(|error| store_failure(&image, error))?;
    if !downloaded.is_empty()
        && let Some(platform) = foreign_platform(layout, &plan, &options.platforms)
    {
        let wanted = &options.platforms;
        tracing::warn!("{image} is for {platform} and not for {wanted}: the registry has no other");
    }
    Ok(PulledImage {
        login_sent: repository.login_sent(),
        host_logins: repository.host_logins(),
        fetched_blobs: downloaded.len(),
        fetched_bytes: downloaded.iter().sum(),
        ..PulledImage::new(image, &plan)
    })
}

/// Manifests, children first, then the name.
fn store(layout: &Layout, image: &ImageRef, plan: &Plan) -> Result<(), LayoutError> {
    for manifest in &plan.manifests {
        layout.put_bytes(&manifest.descriptor(), &manifest.bytes)?;
    }
    layout.tag_chosen(&image.to_string(), |named| name_entry::of(plan, named))
}

/// The platform of an image without an index, if it is not the one wanted. Such an image is pulled
/// all the same, as other clients do: it may be an artifact, or meant for an emulator.
fn foreign_platform(layout: &Layout, plan: &Plan, platforms: &PlatformChoice) -> Option<Platform> {
    let (PlatformChoice::One(host), true) = (platforms, plan.manifest == plan.top) else {
        return None;
    };
    let config = layout.read_blob(plan.config.as_ref()?, LARGEST_MANIFEST);
    let platform = Platform::of_config(&config.ok()??)?;
    let is_named = !platform.os.is_empty() && !platform.architecture.is_empty();
    (is_named && host.rank(&platform).is_none()).then_some(platform)
}

#[cfg(test)]
mod tests;
