//! What an image consists of: manifests read, platform selected, blobs listed.

use std::collections::{BTreeMap, BTreeSet};

use super::documents::documents_below;
use super::manifest_reader::ManifestReader;
use super::platform_choice::PlatformChoice;
use super::selection::Selection;
use crate::client::RegistryError;
use crate::image::{
    Descriptor, Digest, Index, Manifest, ManifestError, ManifestOrIndex, RawManifest,
};

/// All that belongs to an image.
#[derive(Debug)]
pub(crate) struct Plan {
    /// What the reference names: a manifest or an index.
    pub(crate) top: Descriptor,
    /// The manifest of the one image; the index for all.
    pub(crate) manifest: Descriptor,
    /// Manifests and indexes, children before their parents.
    pub(crate) manifests: Vec<RawManifest>,
    /// Configurations and layers, each digest once, configurations before their layers.
    pub(crate) blobs: Vec<Descriptor>,
    /// The configuration, if this is one image.
    pub(crate) config: Option<Digest>,
}

impl Plan {
    /// Makes the plan for what the reference names.
    pub(crate) async fn make(
        reader: &ManifestReader<'_>,
        top: Descriptor,
        raw: RawManifest,
        platforms: &PlatformChoice,
    ) -> Result<Self, RegistryError> {
        let (manifest, image, manifests) = match (reader.parse(&raw)?, platforms) {
            (ManifestOrIndex::Manifest(image), _) => (top.clone(), image, vec![raw]),
            (ManifestOrIndex::Index(index), PlatformChoice::One(host)) => {
                Selection::new(reader, host, raw).select(index).await?
            }
            (ManifestOrIndex::Index(index), PlatformChoice::All) => {
                return Self::of_all(reader, top, raw, &index).await;
            }
        };
        Ok(Self {
            top,
            manifest,
            manifests,
            blobs: blobs_of(reader, [&image])?,
            config: Some(image.config.digest),
        })
    }

    /// The blobs of these manifests, of all that belong to the image.
    ///
    /// # Errors
    /// When a manifest cannot be read.
    pub(crate) fn blobs_of(
        &self,
        manifests: &[&RawManifest],
    ) -> Result<Vec<Descriptor>, ManifestError> {
        let mut named = BTreeSet::new();
        for manifest in manifests {
            if let ManifestOrIndex::Manifest(image) = manifest.parse()? {
                named.extend(image.blobs().map(|blob| blob.digest.clone()));
            }
        }
        let blobs = self
            .blobs
            .iter()
            .filter(|blob| named.contains(&blob.digest));
        Ok(blobs.cloned().collect())
    }

    /// The bytes of all blobs.
    pub(crate) fn size(&self) -> u64 {
        self.blobs
            .iter()
            .fold(0, |sum, blob| sum.saturating_add(blob.size))
    }

    /// Every manifest below an index.
    async fn of_all(
        reader: &ManifestReader<'_>,
        top: Descriptor,
        raw: RawManifest,
        index: &Index,
    ) -> Result<Self, RegistryError> {
        let below = documents_below(reader, &top.digest, index).await?;
        let blobs = blobs_of(reader, below.iter().filter_map(|one| one.image.as_ref()))?;
        let children = below.into_iter().rev().map(|one| one.raw);
        Ok(Self {
            manifest: top.clone(),
            top,
            manifests: children.chain([raw]).collect(),
            blobs,
            config: None,
        })
    }
}

fn blobs_of<'a>(
    reader: &ManifestReader<'_>,
    images: impl IntoIterator<Item = &'a Manifest>,
) -> Result<Vec<Descriptor>, RegistryError> {
    let mut sizes = BTreeMap::new();
    let mut blobs = Vec::new();
    for blob in images.into_iter().flat_map(Manifest::blobs) {
        match sizes.insert(&blob.digest, blob.size) {
            None => blobs.push(blob.clone()),
            Some(size) if size == blob.size => {}
            Some(_) => {
                let what = format!("the manifest has two sizes for blob {}", blob.digest);
                return Err(reader.refuse(what));
            }
        }
    }
    Ok(blobs)
}
