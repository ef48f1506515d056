//! Whether an image is in the store already, for pull policies that ask that first.

use regcred_core::ImageRef;

use super::name_entry;
use super::pulled_image::PulledImage;
use crate::client::RegistryError;
use crate::content::{LARGEST_MANIFEST, ManifestReader, Plan, PlatformChoice, store_failure};
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
    let entry = layout.resolve(&image.to_string()).map_err(failed)?;
    let Some((digest, media_type)) = entry.and_then(name_entry::top) else {
        return Ok(None);
    };
    let bytes = layout.read_blob(&digest, LARGEST_MANIFEST);
    let Some(bytes) = bytes.map_err(failed)? else {
        return Ok(None);
    };
    let Ok(raw) = RawManifest::read(&media_type, digest, bytes) else {
        return Ok(None);
    };
    let reader = ManifestReader {
        repository: None,
        layout: Some(layout),
        image: &image,
    };
    // Without a repository the only failure is that something is missing or does not fit.
    let Ok(plan) = Plan::make(&reader, raw.descriptor(), raw, platforms).await else {
        return Ok(None);
    };
    let is_complete = plan.blobs.iter().all(|blob| layout.has_blob(blob));
    Ok(is_complete.then(|| PulledImage::new(image, &plan)))
}
