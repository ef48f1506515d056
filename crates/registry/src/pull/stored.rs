//! Whether an image is in the store already, for pull policies that ask that first.

use regcred_core::ImageRef;

use super::documents::{Documents, LARGEST};
use super::plan::Plan;
use super::{PlatformChoice, PulledImage};
use crate::{Descriptor, Digest, Document, Layout, LayoutError, RegistryError};

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

/// The entry under which a planned image stands in `index.json`. Where that is one manifest of an
/// index, the index is noted beside it.
pub(super) fn entry(plan: &Plan) -> Descriptor {
    let root = &plan.root;
    let mut entry = Descriptor::new(&*root.media_type, root.digest.clone(), root.size);
    entry.platform.clone_from(&root.platform);
    entry.artifact_type.clone_from(&root.artifact_type);
    if plan.digest != root.digest {
        let index = plan.digest.to_string();
        entry.annotations.insert(INDEX.to_owned(), index);
    }
    entry
}

/// What the registry had under the name when it was pulled.
fn top(
    layout: &Layout,
    image: &ImageRef,
) -> Result<Option<(Descriptor, bytes::Bytes)>, LayoutError> {
    let Some(entry) = layout.resolve(&image.to_string())? else {
        return Ok(None);
    };
    let index = entry
        .annotations
        .get(INDEX)
        .and_then(|text| text.parse().ok());
    let digest: Digest = index.unwrap_or(entry.digest);
    let Some(bytes) = layout.read_blob(&digest, LARGEST)? else {
        return Ok(None);
    };
    let Ok(media_type) = Document::media_type_of("", &bytes) else {
        return Ok(None);
    };
    let size = bytes.len() as u64;
    Ok(Some((Descriptor::new(media_type, digest, size), bytes)))
}

/// The index out of which the entry's manifest was chosen.
const INDEX: &str = "io.github.regcred.index";
