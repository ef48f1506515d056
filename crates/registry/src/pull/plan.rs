//! What a pull will fetch: manifests read, platform chosen, blobs listed.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::PlatformChoice;
use super::manifest_reader::Documents;
use super::selection::Choice;
use crate::client::RegistryError;
use crate::image::{Descriptor, Digest, Document, Index, Manifest, media_type};

/// All that belongs to an image.
#[derive(Debug)]
pub(super) struct Plan {
    /// What the reference names: a manifest or an index.
    pub(super) top: Descriptor,
    /// The manifest of the one image; the index for all.
    pub(super) manifest: Descriptor,
    /// Manifests and indexes, children before their parents.
    pub(super) documents: Vec<(Descriptor, Bytes)>,
    /// Configurations and layers, each digest once, configurations before their layers.
    pub(super) blobs: Vec<Descriptor>,
    /// The configuration, if this is one image.
    pub(super) config: Option<Digest>,
}

impl Plan {
    /// Makes the plan for what the reference names.
    pub(super) async fn make(
        documents: &Documents<'_>,
        top: (Descriptor, Bytes),
        platforms: &PlatformChoice,
    ) -> Result<Self, RegistryError> {
        let document = documents.parse(&top.0, &top.1)?;
        match (document, platforms) {
            (Document::Manifest(manifest), _) => {
                let chosen = (top.0.clone(), manifest);
                Self::of_one(documents, top.0.clone(), chosen, vec![top])
            }
            (Document::Index(index), PlatformChoice::One(host)) => {
                let root = top.0.clone();
                let mut choice = Choice::new(documents, host);
                choice.keep(top);
                let chosen = choice.choose(index).await?;
                Self::of_one(documents, root, chosen, choice.into_documents())
            }
            (Document::Index(index), PlatformChoice::All) => {
                Self::of_all(documents, top, index).await
            }
        }
    }

    /// The bytes of all blobs.
    pub(super) fn size(&self) -> u64 {
        self.blobs
            .iter()
            .fold(0, |sum, blob| sum.saturating_add(blob.size))
    }

    fn of_one(
        documents: &Documents<'_>,
        top: Descriptor,
        (descriptor, manifest): (Descriptor, Manifest),
        kept: Vec<(Descriptor, Bytes)>,
    ) -> Result<Self, RegistryError> {
        Ok(Self {
            top,
            manifest: descriptor,
            documents: kept,
            blobs: blobs_of(documents, [&manifest])?,
            config: Some(manifest.config.digest),
        })
    }

    /// Every manifest below an index, level by level.
    async fn of_all(
        documents: &Documents<'_>,
        top: (Descriptor, Bytes),
        index: Index,
    ) -> Result<Self, RegistryError> {
        let root = top.0.clone();
        let mut seen = BTreeSet::from([root.digest.clone()]);
        let mut kept = vec![top];
        let mut manifests = Vec::new();
        let mut level = vec![index];
        for depth in 1.. {
            let entries: Vec<_> = level
                .drain(..)
                .flat_map(|index| index.manifests)
                .filter(|entry| is_document(entry) && seen.insert(entry.digest.clone()))
                .collect();
            if entries.is_empty() {
                break;
            }
            documents.check_bounds(depth, seen.len())?;
            let read: Vec<_> = stream::iter(entries)
                .map(|entry| async move { documents.read(entry).await })
                .buffered(PARALLEL)
                .try_collect()
                .await?;
            for (descriptor, bytes) in read {
                match documents.parse(&descriptor, &bytes)? {
                    Document::Manifest(manifest) => manifests.push(manifest),
                    Document::Index(index) => level.push(index),
                }
                kept.push((descriptor, bytes));
            }
        }
        kept.reverse();
        Ok(Self {
            top: root.clone(),
            manifest: root,
            documents: kept,
            blobs: blobs_of(documents, &manifests)?,
            config: None,
        })
    }
}

/// Entries of other types are legal in an index; nobody can say how to fetch them.
fn is_document(entry: &Descriptor) -> bool {
    let known =
        media_type::is_index(&entry.media_type) || media_type::is_manifest(&entry.media_type);
    if !known {
        tracing::debug!(digest = %entry.digest, "leaving out an index entry of unknown type");
    }
    known
}

fn blobs_of<'a>(
    documents: &Documents<'_>,
    manifests: impl IntoIterator<Item = &'a Manifest>,
) -> Result<Vec<Descriptor>, RegistryError> {
    let mut sizes = BTreeMap::new();
    let mut blobs = Vec::new();
    for blob in manifests.into_iter().flat_map(Manifest::blobs) {
        match sizes.insert(&blob.digest, blob.size) {
            None => blobs.push(blob.clone()),
            Some(size) if size == blob.size => {}
            Some(_) => {
                let what = format!("the manifest gives blob {} two sizes", blob.digest);
                return Err(documents.refuse(what));
            }
        }
    }
    Ok(blobs)
}

/// Manifests that are asked for at the same time.
const PARALLEL: usize = 4;
