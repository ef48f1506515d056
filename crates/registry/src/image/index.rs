//! The index of several images (OCI image-spec `image-index.md`, and Docker's manifest list).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::descriptor::Descriptor;
use super::digest::Digest;
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
    pub manifests: Vec<IndexEntry>,
}

/// One entry of an index. An entry that cannot be used does not spoil the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "nearly all are descriptors")]
pub enum IndexEntry {
    /// A manifest or a further index.
    Usable(Descriptor),
    /// Something else, as it was read: content that cannot be verified, or not a descriptor.
    Unusable(Value),
}

impl IndexEntry {
    /// The descriptor, if the entry can be used.
    #[must_use]
    pub fn usable(&self) -> Option<&Descriptor> {
        match self {
            Self::Usable(descriptor) => Some(descriptor),
            Self::Unusable(_) => None,
        }
    }

    /// Why the entry cannot be used.
    fn fault(&self) -> Option<String> {
        let Self::Unusable(entry) = self else {
            return None;
        };
        let digest = entry["digest"].as_str().map(str::parse::<Digest>);
        Some(match digest {
            Some(Err(error)) => error.to_string(),
            _ => "it is not a descriptor".to_owned(),
        })
    }
}

impl Index {
    /// The entries that name a platform this host can run, best first; the first of equals comes
    /// first. Attestations and entries of unknown types are left out. An entry may be an index
    /// itself.
    #[must_use]
    pub fn for_platform(&self, host: &Platform) -> Vec<(Rank, &Descriptor)> {
        let rank = |entry: &Descriptor| host.rank(entry.named_platform()?);
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
        self.candidates()
            .filter(|entry| entry.named_platform().is_none())
    }

    /// The platforms of the entries, for a message that none of them fits.
    #[must_use]
    pub fn offered(&self) -> BTreeSet<String> {
        let platforms = self.candidates().filter_map(Descriptor::named_platform);
        platforms.map(ToString::to_string).collect()
    }

    /// Why entries cannot be used, for a log and a message.
    pub(crate) fn faults(&self) -> impl Iterator<Item = String> {
        self.manifests.iter().filter_map(IndexEntry::fault)
    }

    fn candidates(&self) -> impl Iterator<Item = &Descriptor> {
        self.manifests
            .iter()
            .filter_map(IndexEntry::usable)
            .filter(|entry| media_type::is_document(&entry.media_type) && !entry.is_attestation())
    }
}

#[cfg(test)]
mod tests;
