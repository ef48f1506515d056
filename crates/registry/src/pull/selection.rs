//! The one image of an index that a platform runs best.
//!
//! The order: entries that name a platform, by rank, wherever in nested indexes they stand; then
//! images that name none, if their configuration does.

use std::collections::{BTreeSet, VecDeque};

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::manifest_reader::Documents;
use crate::client::RegistryError;
use crate::image::{Descriptor, Document, Index, Manifest, Platform, media_type};

/// A choice in the making, with the documents on the way to it.
pub(super) struct Choice<'a> {
    documents: &'a Documents<'a>,
    host: &'a Platform,
    kept: Vec<(Descriptor, Bytes)>,
    seen: BTreeSet<String>,
    offered: Vec<String>,
    entries: usize,
}

impl<'a> Choice<'a> {
    pub(super) fn new(documents: &'a Documents<'a>, host: &'a Platform) -> Self {
        Self {
            documents,
            host,
            kept: Vec::new(),
            seen: BTreeSet::new(),
            offered: Vec::new(),
            entries: 0,
        }
    }

    /// Adds a document that led here.
    pub(super) fn keep(&mut self, document: (Descriptor, Bytes)) {
        self.seen.insert(document.0.digest.to_string());
        self.kept.push(document);
    }

    /// What was read on the way, children before their parents.
    pub(super) fn into_documents(mut self) -> Vec<(Descriptor, Bytes)> {
        self.kept.reverse();
        self.kept
    }

    /// The image of `index`, which has been kept already.
    pub(super) async fn choose(
        &mut self,
        index: Index,
    ) -> Result<(Descriptor, Manifest), RegistryError> {
        match self.best(index, 1).await? {
            Some(found) => Ok(found),
            None => Err(self.nothing_fits()),
        }
    }

    fn best<'b>(
        &'b mut self,
        index: Index,
        depth: u32,
    ) -> BoxFuture<'b, Result<Option<(Descriptor, Manifest)>, RegistryError>> {
        Box::pin(async move {
            let (ranked, unnamed) = self.survey(index, depth).await?;
            for entry in ranked {
                let Some((entry, document)) = self.open(entry).await? else {
                    continue;
                };
                match document {
                    Document::Manifest(manifest) => return Ok(Some((entry, manifest))),
                    Document::Index(index) => {
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

    /// The entries that run on the host, best first, and the images that do not say where they run.
    /// Looks into nested indexes that name no platform.
    async fn survey(
        &mut self,
        index: Index,
        depth: u32,
    ) -> Result<(Vec<Descriptor>, Vec<Descriptor>), RegistryError> {
        let (mut ranked, mut unnamed) = (Vec::new(), Vec::new());
        let mut indexes = VecDeque::from([(index, depth)]);
        while let Some((index, depth)) = indexes.pop_front() {
            self.entries += index.manifests.len();
            self.documents.check_bounds(depth, self.entries)?;
            self.offered.extend(index.offered());
            for entry in index.for_platform(self.host) {
                let rank = entry.platform.as_ref().and_then(|p| self.host.rank(p));
                ranked.push((rank, entry.clone()));
            }
            for entry in index.without_platform() {
                if media_type::is_manifest(&entry.media_type) {
                    unnamed.push(entry.clone());
                } else if let Some((_, Document::Index(nested))) = self.open(entry.clone()).await? {
                    indexes.push_back((nested, depth + 1));
                }
            }
        }
        ranked.sort_by_key(|(rank, _)| *rank);
        Ok((
            ranked.into_iter().map(|(_, entry)| entry).collect(),
            unnamed,
        ))
    }

    /// Reads and keeps an entry; `None` for one that was read before.
    async fn open(
        &mut self,
        entry: Descriptor,
    ) -> Result<Option<(Descriptor, Document)>, RegistryError> {
        if !self.seen.insert(entry.digest.to_string()) {
            return Ok(None);
        }
        let (entry, bytes) = self.documents.read(entry).await?;
        let document = self.documents.parse(&entry, &bytes)?;
        self.kept.push((entry.clone(), bytes));
        Ok(Some((entry, document)))
    }

    /// The image, if its configuration names a platform that the host runs.
    async fn by_configuration(
        &mut self,
        entry: Descriptor,
    ) -> Result<Option<(Descriptor, Manifest)>, RegistryError> {
        let Some((mut entry, Document::Manifest(manifest))) = self.open(entry).await? else {
            return Ok(None);
        };
        let config = self.documents.read_config(&manifest.config).await?;
        let Ok(platform) = serde_json::from_slice::<Platform>(&config) else {
            return Ok(None);
        };
        if self.host.rank(&platform).is_none() {
            self.offered.push(platform.to_string());
            return Ok(None);
        }
        entry.platform = Some(platform);
        Ok(Some((entry, manifest)))
    }

    fn nothing_fits(&mut self) -> RegistryError {
        let offered = std::mem::take(&mut self.offered);
        let offered: BTreeSet<_> = offered.into_iter().collect();
        let what = match offered.is_empty() {
            true => "it names none".to_owned(),
            false => {
                let names: Vec<_> = offered
                    .iter()
                    .take(MOST_NAMED)
                    .map(String::as_str)
                    .collect();
                format!("it has {}", names.join(", "))
            }
        };
        let what = format!("no image for platform {} in the index: {what}", self.host);
        RegistryError::local(self.documents.image, what)
    }
}

/// Platforms named in a message.
const MOST_NAMED: usize = 30;
