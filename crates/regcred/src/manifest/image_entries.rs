//! The entries of an image that was named on the command line: one, or those of all its platforms.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};

use regcred_core::{ImageRef, report};
use regcred_manifests::ListEntry;
use regcred_registry::{
    Descriptor, ImageSource, IndexEntry, Layout, ManifestOrIndex, RawManifest, media_type,
};
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
        // The store's records are read wherever the next command runs.
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
        let mut entries = images_of(&source, &image, top, ImageRef::with_digest).await?;
        for entry in &mut entries {
            entry.layout.clone_from(&layout);
            entry.of_list.clone_from(&of_list);
        }
        Ok(entries)
    }
}

/// The image of this name in a layout: under the name as it is written, or in full. An image whose name
/// there is not that of an image becomes a part of the list's repository.
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
    let full_text = full.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut image = full.filter(|image| name.contains('/') && image.digest().is_none());
    let mut found = layout.resolve(&full_text).map_err(failed)?;
    if found.is_none() {
        found = layout.resolve(name).map_err(failed)?;
    } else {
        image = local::name(name).ok();
    }
    let found = found.ok_or_else(|| missing("there is no image of this name"))?;
    let image = image.unwrap_or_else(|| list.clone().with_digest(found.digest.as_str()));
    let source = ImageSource::layout(&image, &layout);
    let top = source.child(&found).await;
    let top = top.map_err(|error| registry_failure(&error))?;
    Ok((image, source, top))
}

/// The image itself, or all images of a list, nested lists included, with their attestations. A
/// platform is the list's word, else that of the configuration.
pub(super) async fn images_of(
    source: &ImageSource,
    image: &ImageRef,
    top: RawManifest,
    name: impl Fn(ImageRef, String) -> ImageRef,
) -> Result<Vec<ListEntry>, ProgramError> {
    let mut found: Vec<ListEntry> = Vec::new();
    let top_entry = top.descriptor();
    let mut waiting = VecDeque::from([(top_entry, top, image.clone(), 0)]);
    while let Some((entry, manifest, name_of, depth)) = waiting.pop_front() {
        let parsed = manifest.parse();
        match parsed.map_err(|error| ProgramError::usage(format!("{name_of}: {error}")))? {
            ManifestOrIndex::Manifest(document) => {
                let platform = match entry.named_platform() {
                    Some(platform) => platform.clone(),
                    None => source
                        .platform(&document)
                        .await
                        .map_err(|error| registry_failure(&error))?,
                };
                let mut one = ListEntry::new(name_of, manifest, Some(platform));
                one.descriptor.annotations = entry.annotations;
                one.descriptor.artifact_type = entry.artifact_type;
                found.push(one);
            }
            ManifestOrIndex::Index(index) => {
                if depth == DEEPEST || found.len() + index.manifests.len() > MOST_ENTRIES {
                    let why = "it has too many images, or lists in lists too deep";
                    return Err(ProgramError::usage(format!("{image}: {why}")));
                }
                for child in usable(&index.manifests) {
                    let raw = source.child(child).await;
                    let raw = raw.map_err(|error| registry_failure(&error))?;
                    let name_of = name(image.clone(), child.digest.to_string());
                    waiting.push_back((child.clone(), raw, name_of, depth + 1));
                }
            }
        }
    }
    // A list may name an image more than once.
    let mut seen = BTreeMap::new();
    found.retain(|entry| seen.insert(entry.image.to_string(), ()).is_none());
    Ok(found)
}

/// The manifests and lists that an index names.
pub(super) fn usable(entries: &[IndexEntry]) -> impl Iterator<Item = &Descriptor> {
    let entries = entries.iter().filter_map(IndexEntry::usable);
    entries.filter(|entry| {
        media_type::is_manifest(&entry.media_type) || media_type::is_index(&entry.media_type)
    })
}

/// As of a pull.
const DEEPEST: u32 = 3;
const MOST_ENTRIES: usize = 1000;
