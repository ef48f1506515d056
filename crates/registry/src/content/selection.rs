//! The one image of an index that a platform runs best.
//!
//! The order: entries that name a platform, by rank, at any depth of nested indexes; then images
//! that name none, if their configuration does.

use std::collections::{BTreeSet, VecDeque};

use futures_util::future::BoxFuture;

use super::manifest_reader::ManifestReader;
use crate::client::RegistryError;
use crate::image::{
    Descriptor, Digest, Index, Manifest, ManifestOrIndex, Platform, RawManifest, media_type,
};

/// A selection in progress, with the manifests read so far.
pub(crate) struct Selection<'a> {
    reader: &'a ManifestReader<'a>,
    host: &'a Platform,
    kept: Vec<RawManifest>,
    seen: BTreeSet<Digest>,
    offered: BTreeSet<String>,
    faults: BTreeSet<String>,
    entries: usize,
    /// Of the manifests read so far.
    bytes: u64,
    depth: u32,
}

impl<'a> Selection<'a> {
    /// `top` is the index to select from.
    pub(crate) fn new(
        reader: &'a ManifestReader<'a>,
        host: &'a Platform,
        top: RawManifest,
    ) -> Self {
        Self {
            reader,
            host,
            seen: BTreeSet::from([top.digest.clone()]),
            kept: vec![top],
            offered: BTreeSet::new(),
            faults: BTreeSet::new(),
            entries: 0,
            bytes: 0,
            depth: 0,
        }
    }

    /// The image, and all manifests that were read, children before their parents.
    pub(crate) async fn select(
        mut self,
        index: Index,
    ) -> Result<(Descriptor, Manifest, Vec<RawManifest>), RegistryError> {
        let Some((entry, image)) = self.best(index, 1).await? else {
            return Err(self.nothing_fits());
        };
        self.kept.reverse();
        Ok((entry, image, self.kept))
    }

    fn best<'b>(
        &'b mut self,
        index: Index,
        depth: u32,
    ) -> BoxFuture<'b, Result<Option<(Descriptor, Manifest)>, RegistryError>> {
        Box::pin(async move {
            let (ranked, unnamed) = self.survey(index, depth).await?;
            for entry in ranked {
                match self.open(&entry).await? {
                    None => {}
                    Some(ManifestOrIndex::Manifest(image)) => return Ok(Some((entry, image))),
                    Some(ManifestOrIndex::Index(index)) => {
                        if let Some(found) = self.best(index, depth + 1).await? {
                            return Ok(Some(found));
                        }
                    }
                }
            }
            for entry in unnamed {
                if let Some(found) = self.by_configuration(entry).await? {
                    return Ok(Some(found));
                }
            }
            Ok(None)
        })
    }

    /// The entries that run on the host, best first, and the images that name no platform. Reads
    /// nested indexes that name none.
    async fn survey(
        &mut self,
        index: Index,
        depth: u32,
    ) -> Result<(Vec<Descriptor>, Vec<Descriptor>), RegistryError> {
        let (mut ranked, mut unnamed) = (Vec::new(), Vec::new());
        let mut indexes = VecDeque::from([(index, depth)]);
        while let Some((index, depth)) = indexes.pop_front() {
            self.entries += index.manifests.len();
            self.depth = depth;
            self.check_bounds()?;
            self.offered.extend(index.offered());
            self.faults.extend(index.faults());
            log_faults(&index);
            let fitting = index.for_platform(self.host).into_iter();
            ranked.extend(fitting.map(|(rank, entry)| (rank, entry.clone())));
            for entry in index.without_platform() {
                if media_type::is_manifest(&entry.media_type) {
                    unnamed.push(entry.clone());
                } else if let Some(ManifestOrIndex::Index(nested)) = self.open(entry).await? {
                    indexes.push_back((nested, depth + 1));
                }
            }
        }
        ranked.sort_by_key(|(rank, _)| *rank);
        let ranked = ranked.into_iter().map(|(_, entry)| entry).collect();
        Ok((ranked, unnamed))
    }

    /// Reads and keeps an entry; `None` for one that was read before.
    async fn open(&mut self, entry: &Descriptor) -> Result<Option<ManifestOrIndex>, RegistryError> {
        if !self.seen.insert(entry.digest.clone()) {
            return Ok(None);
        }
        self.bytes = self.bytes.saturating_add(entry.size);
        self.check_bounds()?;
        let (raw, parsed) = self.reader.read(entry).await?;
        self.kept.push(raw);
        Ok(Some(parsed))
    }

    fn check_bounds(&self) -> Result<(), RegistryError> {
        self.reader
            .check_bounds(self.depth, self.entries, self.bytes)
    }

    /// The image, if its configuration names a platform that the host runs.
    async fn by_configuration(
        &mut self,
        mut entry: Descriptor,
    ) -> Result<Option<(Descriptor, Manifest)>, RegistryError> {
        let Some(ManifestOrIndex::Manifest(image)) = self.open(&entry).await? else {
            return Ok(None);
        };
        let config = self.reader.read_config(&image.config).await?;
        let Some(platform) = Platform::of_config(&config) else {
            return Ok(None);
        };
        if self.host.rank(&platform).is_none() {
            self.offered.insert(platform.to_string());
            return Ok(None);
        }
        entry.platform = Some(platform);
        Ok(Some((entry, image)))
    }

    fn nothing_fits(&self) -> RegistryError {
        let names: Vec<_> = self.offered.iter().take(MOST_NAMED).cloned().collect();
        let offered = if names.is_empty() {
            "it names none".to_owned()
        } else {
            format!("it has {}", names.join(", "))
        };
        let mut what = format!(
            "no image for platform {} in the index: {offered}",
            self.host
        );
        if let Some(fault) = self.faults.first() {
            what = format!("{what}; an entry cannot be used: {fault}");
        }
        RegistryError::local(self.reader.image, what)
    }
}

/// Logs the entries of an index that are left out since they cannot be used.
pub(crate) fn log_faults(index: &Index) {
    for reason in index.faults() {
        tracing::warn!(reason, "leaving out an entry of the index");
    }
}

/// Platforms named in a message.
const MOST_NAMED: usize = 30;
