//! What a pull will fetch: manifests read, platform selected, blobs listed.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::manifest_reader::ManifestReader;
use super::platform_choice::PlatformChoice;
use super::selection::{Selection, log_faults};
use crate::client::RegistryError;
use crate::image::{
    Descriptor, Digest, Index, Manifest, ManifestError, ManifestOrIndex, RawManifest, media_type,
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
                return Self::of_all(reader, top, raw, index).await;
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

    /// Every manifest below an index, level by level.
    async fn of_all(
        reader: &ManifestReader<'_>,
        top: Descriptor,
        raw: RawManifest,
        index: Index,
    ) -> Result<Self, RegistryError> {
        let mut seen = BTreeSet::from([top.digest.clone()]);
        let mut kept = vec![raw];
        let mut images = Vec::new();
        let mut level = vec![index];
        for depth in 1.. {
            level.iter().for_each(log_faults);
            let entries: Vec<_> = level
                .drain(..)
                .flat_map(|index| index.manifests)
                .filter_map(|entry| entry.usable().cloned())
                .filter(|entry| is_document(entry) && seen.insert(entry.digest.clone()))
                .collect();
            if entries.is_empty() {
                break;
            }
            reader.check_bounds(depth, seen.len())?;
            let read: Vec<_> = stream::iter(entries)
                .map(|entry| async move { reader.read(&entry).await })
                .buffered(PARALLEL)
                .try_collect()
                .await?;
            for (raw, parsed) in read {
                kept.push(raw);
                match parsed {
                    ManifestOrIndex::Manifest(image) => images.push(image),
                    ManifestOrIndex::Index(index) => level.push(index),
                }
            }
        }
        kept.reverse();
        Ok(Self {
            manifest: top.clone(),
            top,
            manifests: kept,
            blobs: blobs_of(reader, &images)?,
            config: None,
        })
    }
}

/// Entries of other types are legal in an index, but how they are fetched is not defined.
fn is_document(entry: &Descriptor) -> bool {
    let is_known = media_type::is_document(&entry.media_type);
    if !is_known {
        tracing::debug!(digest = %entry.digest, "leaving out an index entry of unknown type");
    }
    is_known
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

/// Manifests that are fetched at the same time.
const PARALLEL: usize = 4;
