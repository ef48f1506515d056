//! The entries of an image that was named on the command line: one, or those of all its platforms.

use std::path::{Path, PathBuf};

use regcred_core::{ImageRef, report};
use regcred_manifests::ListEntry;
use regcred_registry::{ImageSource, Layout, RawManifest, media_type};
use regcred_run::ProgramError;

use super::local;
use super::session::{Session, registry_failure};

/// An image as it was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NamedImage {
    /// In a registry.
    Registry(ImageRef),
    /// In an OCI layout, as skopeo names it.
    Layout { directory: PathBuf, name: String },
}

impl NamedImage {
    /// Reads `oci:DIR:NAME`, or an image's name.
    pub(super) fn parse(text: &str) -> Result<Self, ProgramError> {
        let Some(place) = text.strip_prefix("oci:") else {
            return local::plain_name(text).map(Self::Registry);
        };
        let Some((directory, name)) = place.split_once(':').filter(|(dir, _)| !dir.is_empty())
        else {
            let why = format!("{text}: expected oci:DIR:NAME for an image in an OCI layout");
            return Err(ProgramError::usage(why));
        };
        // The next command may run in another directory.
        let directory = std::path::absolute(directory).map_err(ProgramError::usage)?;
        let name = name.to_owned();
        Ok(Self::Layout { directory, name })
    }

    /// The entries of the image. Those of a list are named by its digests.
    pub(super) async fn entries(
        &self,
        session: &Session,
        list: &ImageRef,
        refuse_lists: bool,
    ) -> Result<Vec<ListEntry>, ProgramError> {
        let (image, source, top, layout) = match self {
            Self::Registry(image) => {
                let (source, top) = session.open(image).await?;
                (image.clone(), source, top, None)
            }
            Self::Layout { directory, name } => {
                let (image, source, top) = open_layout(directory, name, list).await?;
                (image, source, top, Some(directory.clone()))
            }
        };
        if refuse_lists && media_type::is_index(&top.media_type) {
            return Err(ProgramError::usage(format!("{image} is a manifest list")));
        }
        let of_list = (image == *list && layout.is_none()).then(|| top.digest.clone());
        let mut entries = images_of(&source, &image, &top, ImageRef::with_digest).await?;
        for entry in &mut entries {
            entry.layout.clone_from(&layout);
            entry.of_list.clone_from(&of_list);
        }
        Ok(entries)
    }
}

/// The image of this name in a layout: under the name in full, or as it is written. An image that has
/// only a short name there is named by its digest in the list's repository.
async fn open_layout(
    directory: &Path,
    name: &str,
    list: &ImageRef,
) -> Result<(ImageRef, ImageSource, RawManifest), ProgramError> {
    let failed = |error| ProgramError::not_configured(report(&error));
    let missing =
        |why: &str| ProgramError::usage(format!("oci:{}:{name}: {why}", directory.display()));
    let layout = Layout::open(directory).map_err(failed)?;
    let layout = layout.ok_or_else(|| missing("the directory is not an OCI layout"))?;
    let full = local::name(name).ok();
    let by_full_name = match &full {
        Some(full) => layout.resolve(&full.to_string()).map_err(failed)?,
        None => None,
    };
    let (found, image) = match by_full_name {
        Some(found) => (found, full),
        None => {
            let found = layout.resolve(name).map_err(failed)?;
            let found = found.ok_or_else(|| missing("an image of this name is not found"))?;
            let is_full = |image: &ImageRef| name.contains('/') && image.digest().is_none();
            (found, full.filter(is_full))
        }
    };
    let image = image.unwrap_or_else(|| list.clone().with_digest(found.digest.as_str()));
    let source = ImageSource::layout(&image, &layout);
    let top = source.child(&found).await;
    let top = top.map_err(|error| registry_failure(&error))?;
    Ok((image, source, top))
}

/// The image itself, or all images of a list, nested lists included, with their attestations. The
/// platform is that of the list, else that of the configuration.
pub(super) async fn images_of(
    source: &ImageSource,
    image: &ImageRef,
    top: &RawManifest,
    name: impl Fn(ImageRef, String) -> ImageRef,
) -> Result<Vec<ListEntry>, ProgramError> {
    let failed = |error| registry_failure(&error);
    let mut found = Vec::new();
    for (entry, manifest, document) in source.images(top).await.map_err(failed)? {
        let platform = match entry.named_platform() {
            Some(platform) => platform.clone(),
            None => source.platform(&document).await.map_err(failed)?,
        };
        let name_of = if manifest.digest == top.digest {
            image.clone()
        } else {
            name(image.clone(), manifest.digest.to_string())
        };
        let mut one = ListEntry::new(name_of, manifest, Some(platform));
        one.descriptor.annotations = entry.annotations;
        one.descriptor.artifact_type = entry.artifact_type;
        found.push(one);
    }
    Ok(found)
}
