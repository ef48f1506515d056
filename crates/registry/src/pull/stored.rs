//! Whether an image is in the store already, for pull policies that ask that first.

use regcred_core::ImageRef;

use super::manifest_reader::{LARGEST_MANIFEST, ManifestReader};
use super::plan::Plan;
use super::platform_choice::PlatformChoice;
use super::pulled_image::PulledImage;
use super::store_failure::store_failure;
use crate::client::RegistryError;
use crate::image::RawManifest;
use crate::store::{Layout, LayoutError};

/// The image in the store, if it is complete: its name, its manifest for the platform (or, for all,
/// the index with every manifest), and every blob. `None` when anything of it is missing. The
/// registry is not asked.
///
/// # Errors
/// When the store cannot be read.
pub async fn stored(
    layout: &Layout,
    image: &ImageRef,
    platforms: &PlatformChoice,
) -> Result<Option<PulledImage>, RegistryError> {
    let image = image.clone().with_default_tag();
    let failed = |error: LayoutError| store_failure(&image, error);
    // What the registry had under the name when it was pulled.
    let Some(top) = layout.resolve(&image.to_string()).map_err(failed)? else {
        return Ok(None);
    };
    let bytes = layout.read_blob(&top.digest, LARGEST_MANIFEST);
    let Some(bytes) = bytes.map_err(failed)? else {
        return Ok(None);
    };
    let Ok(raw) = RawManifest::read(&top.media_type, top.digest.clone(), bytes) else {
        return Ok(None);
    };
    let reader = ManifestReader {
        repository: None,
        layout,
        image: &image,
    };
    // Without a repository the only failure is that something is missing or does not fit.
    let Ok(plan) = Plan::make(&reader, top, raw, platforms).await else {
        return Ok(None);
    };
    let is_complete = plan.blobs.iter().all(|blob| layout.has_blob(blob));
    Ok(is_complete.then(|| PulledImage::new(image, &plan)))
}
