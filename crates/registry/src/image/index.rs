//! The index of several images (OCI image-spec `image-index.md`, and Docker's manifest list).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::descriptor::Descriptor;
use super::null::or_default;
use super::platform::Platform;
use super::{media_type, platform_rank::Rank};

/// An index: manifests, or further indexes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// Every other field as it was read: the schema version, annotations, the subject.
    #[serde(flatten)]
    pub other: Map<String, Value>,
    /// The entries in their order. May be empty.
    #[serde(default, deserialize_with = "or_default")]
    pub manifests: Vec<Descriptor>,
}

impl Index {
    /// The entries that name a platform this host can run, best first; the first of equals comes
    /// first. Attestations and entries of unknown types are left out. An entry may be an index
    /// itself.
    #[must_use]
    pub fn for_platform(&self, host: &Platform) -> Vec<(Rank, &Descriptor)> {
        let rank = |entry: &Descriptor| host.rank(entry.platform.as_ref()?);
        let mut found: Vec<_> = self
            .candidates()
            .filter_map(|entry| Some((rank(entry)?, entry)))
            .collect();
        found.sort_by_key(|(rank, _)| *rank);
        found
    }

    /// The entries that name no platform: nested indexes, and images whose platform is in their
    /// configuration.
    pub fn without_platform(&self) -> impl Iterator<Item = &Descriptor> {
        self.candidates().filter(|entry| entry.platform.is_none())
    }

    /// The platforms of the entries, for a message that none of them fits.
    #[must_use]
    pub fn offered(&self) -> BTreeSet<String> {
        let platforms = self.candidates().filter_map(|e| e.platform.as_ref());
        platforms.map(ToString::to_string).collect()
    }

    fn candidates(&self) -> impl Iterator<Item = &Descriptor> {
        self.manifests
            .iter()
            .filter(|entry| media_type::is_document(&entry.media_type) && !entry.is_attestation())
    }
}

#[cfg(test)]
mod tests;
