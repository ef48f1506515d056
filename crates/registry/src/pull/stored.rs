//! Whether an image is in the store already, for pull policies that ask that first.

use regcred_core::ImageRef;

use super::manifest_reader::{Documents, LARGEST};
use super::plan::Plan;
use super::{PlatformChoice, PulledImage};
use crate::client::RegistryError;
use crate::image::Descriptor;
use crate::store::{Layout, LayoutError};

/// The image as it stands in the store, whole: its name, its manifest for the platform (or, for
/// all, the index with every manifest), and every blob. `None` when anything of it is missing. The
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
    let local = |error: LayoutError| super::local(&image, error);
    let Some(top) = top(layout, &image).map_err(local)? else {
        return Ok(None);
    };
    let documents = Documents {
        repository: None,
        layout,
        image: &image,
    };
    // Without a repository the only failure is that something is missing or unfit.
    let Ok(plan) = Plan::make(&documents, top, platforms).await else {
        return Ok(None);
    };
    let whole = plan.blobs.iter().all(|blob| layout.has_blob(blob));
    Ok(whole.then(|| PulledImage::new(image, &plan)))
}

/// What the registry had under the name when it was pulled.
fn top(
    layout: &Layout,
    image: &ImageRef,
) -> Result<Option<(Descriptor, bytes::Bytes)>, LayoutError> {
    let Some(entry) = layout.resolve(&image.to_string())? else {
        return Ok(None);
    };
    let bytes = layout.read_blob(&entry.digest, LARGEST)?;
    Ok(bytes.map(|bytes| (entry, bytes)))
}
