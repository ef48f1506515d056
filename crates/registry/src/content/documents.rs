//! Every manifest and index below an index.

use std::collections::BTreeSet;
use std::mem;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::manifest_reader::ManifestReader;
use super::selection::log_faults;
use crate::client::RegistryError;
use crate::image::{
    Descriptor, Digest, Index, IndexEntry, Manifest, ManifestOrIndex, RawManifest, media_type,
};

/// A manifest or index, with the entry that names it.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) entry: Descriptor,
    pub(crate) raw: RawManifest,
    /// The manifest; `None` for an index.
    pub(crate) image: Option<Manifest>,
}

/// Reads all that is below the index of this digest, level by level, each digest once.
pub(crate) async fn documents_below(
    reader: &ManifestReader<'_>,
    top: &Digest,
    index: &Index,
) -> Result<Vec<Document>, RegistryError> {
    let mut seen = BTreeSet::from([top.clone()]);
    let mut level = new_entries(index, &mut seen);
    let mut found = Vec::new();
    let mut bytes = 0_u64;
    for depth in 1.. {
        if level.is_empty() {
            break;
        }
        // What an entry names has the size that the entry has, or is refused.
        bytes = level
            .iter()
            .fold(bytes, |sum, entry| sum.saturating_add(entry.size));
        reader.check_bounds(depth, seen.len(), bytes)?;
        let read: Vec<_> = stream::iter(mem::take(&mut level))
            .map(|entry| async move { Ok((reader.read(&entry).await?, entry)) })
            .buffered(PARALLEL)
            .try_collect()
            .await?;
        for ((raw, parsed), entry) in read {
            let image = match parsed {
                ManifestOrIndex::Manifest(image) => Some(image),
                ManifestOrIndex::Index(index) => {
                    level.extend(new_entries(&index, &mut seen));
                    None
                }
            };
            found.push(Document { entry, raw, image });
        }
    }
    Ok(found)
}

fn new_entries(index: &Index, seen: &mut BTreeSet<Digest>) -> Vec<Descriptor> {
    log_faults(index);
    let entries = index.manifests.iter().filter_map(IndexEntry::usable);
    entries
        .filter(|entry| is_document(entry) && seen.insert(entry.digest.clone()))
        .cloned()
        .collect()
}

/// Entries of other types are legal in an index, but how they are fetched is not defined.
fn is_document(entry: &Descriptor) -> bool {
    let is_known = media_type::is_document(&entry.media_type);
    if !is_known {
        tracing::debug!(digest = %entry.digest, "leaving out an index entry of unknown type");
    }
    is_known
}

/// Manifests that are fetched at the same time.
const PARALLEL: usize = 4;
