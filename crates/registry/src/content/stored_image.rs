//! What belongs to a name of a store, as far as it is there.

use std::collections::BTreeSet;

use serde_json::Value;

use super::LARGEST_MANIFEST;
use crate::image::media_type::is_nondistributable;
use crate::image::{Descriptor, Digest, Manifest, ManifestOrIndex, RawManifest};
use crate::store::{Layout, LayoutError, name_of};

/// A name of a store, and the content that it refers to.
#[derive(Clone, Debug)]
pub struct StoredImage {
    /// The name in `index.json`; empty for an entry of another program without one.
    pub name: String,
    /// The digest that the registry had under the name.
    pub digest: Digest,
    /// The platforms of the images that are complete: `linux/amd64`.
    pub platforms: Vec<String>,
    /// The bytes of the blobs that are there.
    pub size: u64,
    /// How many blobs and manifests are not there.
    pub missing: usize,
    /// Whether something below the name is neither a manifest nor an index, so that it is not known
    /// what else belongs to it.
    pub(crate) is_unknown: bool,
    /// The entry in `index.json`.
    pub(crate) entry: Descriptor,
    /// The manifests and indexes that are there.
    pub(crate) manifests: Vec<RawManifest>,
    /// The configurations and layers that are there.
    pub(crate) blobs: Vec<Descriptor>,
    /// The manifests of single images that are complete.
    pub(crate) images: Vec<Manifest>,
}

impl StoredImage {
    /// Every image of the store, in the order of `index.json`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn all(layout: &Layout) -> Result<Vec<Self>, LayoutError> {
        let entries = layout.entries()?.into_iter();
        entries
            .map(|entry| {
                let name = name_of(&entry).unwrap_or_default().to_owned();
                Self::read(layout, name, entry)
            })
            .collect()
    }

    /// The image of a name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn find(layout: &Layout, name: &str) -> Result<Option<Self>, LayoutError> {
        let entry = layout.resolve(name)?;
        entry
            .map(|entry| Self::read(layout, name.to_owned(), entry))
            .transpose()
    }

    fn read(layout: &Layout, name: String, entry: Descriptor) -> Result<Self, LayoutError> {
        let index: Option<Digest> = entry
            .annotations
            .get(INDEX)
            .and_then(|index| index.parse().ok());
        let mut image = Self {
            name,
            digest: index.clone().unwrap_or_else(|| entry.digest.clone()),
            platforms: Vec::new(),
            size: 0,
            missing: 0,
            is_unknown: false,
            entry: entry.clone(),
            manifests: Vec::new(),
            blobs: Vec::new(),
            images: Vec::new(),
        };
        let mut seen = BTreeSet::new();
        image.add(layout, entry, &mut seen)?;
        // The index that the image was selected from is kept alone, without its other images.
        if let Some(index) = index
            && seen.insert(index.clone())
            && let Some(raw) = raw(layout, "", &index)?
        {
            image.manifests.push(raw);
        }
        Ok(image)
    }

    /// Adds a manifest or index, with all below it.
    fn add(
        &mut self,
        layout: &Layout,
        top: Descriptor,
        seen: &mut BTreeSet<Digest>,
    ) -> Result<(), LayoutError> {
        let mut open = vec![top];
        while let Some(descriptor) = open.pop() {
            if !seen.insert(descriptor.digest.clone()) {
                continue;
            }
            let Some(raw) = raw(layout, &descriptor.media_type, &descriptor.digest)? else {
                self.missing += 1;
                self.is_unknown |= layout.has_file(&descriptor.digest);
                continue;
            };
            let parsed = raw.parse();
            self.manifests.push(raw);
            match parsed {
                Ok(ManifestOrIndex::Index(index)) => {
                    let entries = index.manifests.iter().filter_map(|entry| entry.usable());
                    open.extend(entries.rev().cloned());
                }
                Ok(ManifestOrIndex::Manifest(manifest)) => {
                    self.add_blobs(layout, manifest, seen)?
                }
                Err(_) => {
                    self.missing += 1;
                    self.is_unknown = true;
                }
            }
        }
        Ok(())
    }

    fn add_blobs(
        &mut self,
        layout: &Layout,
        manifest: Manifest,
        seen: &mut BTreeSet<Digest>,
    ) -> Result<(), LayoutError> {
        let mut is_complete = true;
        for blob in manifest.blobs() {
            if !layout.has_blob(blob) {
                // Clients fetch it from the addresses in its descriptor.
                if is_nondistributable(&blob.media_type) {
                    continue;
                }
                is_complete = false;
                self.missing += 1;
            } else if seen.insert(blob.digest.clone()) {
                self.size = self.size.saturating_add(blob.size);
                self.blobs.push(blob.clone());
            }
        }
        if is_complete {
            let config = layout.read_blob(&manifest.config.digest, LARGEST_MANIFEST)?;
            self.platforms
                .extend(config.and_then(|config| platform(&config)));
            self.images.push(manifest);
        }
        Ok(())
    }

    /// The digests of everything that belongs to it.
    pub(crate) fn digests(&self) -> impl Iterator<Item = &Digest> {
        let manifests = self.manifests.iter().map(|raw| &raw.digest);
        manifests.chain(self.blobs.iter().map(|blob| &blob.digest))
    }
}

fn raw(
    layout: &Layout,
    media_type: &str,
    digest: &Digest,
) -> Result<Option<RawManifest>, LayoutError> {
    let bytes = layout.read_blob(digest, LARGEST_MANIFEST)?;
    Ok(bytes.and_then(|bytes| RawManifest::read(media_type, digest.clone(), bytes).ok()))
}

/// `OS/ARCH[/VARIANT]` of a configuration.
fn platform(config: &[u8]) -> Option<String> {
    let config: Value = serde_json::from_slice(config).ok()?;
    let part = |name: &str| config[name].as_str().filter(|part| !part.is_empty());
    let (os, arch) = (part("os")?, part("architecture")?);
    let variant = part("variant").map(|variant| format!("/{variant}"));
    Some(format!("{os}/{arch}{}", variant.unwrap_or_default()))
}

/// The digest of the index that a single image was selected from.
const INDEX: &str = "dev.regcred.index";
