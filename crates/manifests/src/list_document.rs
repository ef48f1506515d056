//! The manifest list or index of some images.

use std::collections::BTreeMap;
use std::fmt;

use regcred_go::json::{self, Members};
use regcred_registry::{Descriptor, Digest, ManifestError, Platform, RawManifest, media_type};

use crate::entry::ListEntry;
use crate::record::{write_annotations, write_platform};

/// The document of these images in their order, with docker's white space (cli `push.go`, distribution
/// `manifestlist.go`): a manifest list if all are Docker's manifests, else an OCI index. Annotations
/// make it an index too: a manifest list has none.
///
/// # Errors
/// Never for entries whose media types are those of manifests.
pub fn list_document<'a>(
    entries: impl IntoIterator<Item = &'a Descriptor>,
    annotations: &BTreeMap<String, String>,
) -> Result<RawManifest, ManifestError> {
    let entries: Vec<_> = entries.into_iter().collect();
    let is_docker = |entry: &&Descriptor| {
        entry.media_type == media_type::DOCKER_MANIFEST && entry.annotations.is_empty()
    };
    let media_type = if annotations.is_empty() && entries.iter().all(is_docker) {
        media_type::DOCKER_LIST
    } else {
        media_type::OCI_INDEX
    };
    let text = json::object(|list| {
        list.json("schemaVersion", "2");
        list.text("mediaType", media_type);
        if entries.is_empty() {
            list.json("manifests", "[]");
        }
        list.some_list("manifests", &entries, |members, entry| {
            write_entry(members, entry);
        });
        write_annotations(list, annotations);
    });
    let bytes = json::indent(&text, "   ").into_bytes();
    RawManifest::read(media_type, Digest::of(&bytes), bytes.into())
}

/// Go's `manifestlist.ManifestDescriptor`, whose platform is always written.
fn write_entry(members: &mut Members, entry: &Descriptor) {
    members.text("mediaType", &entry.media_type);
    members.json("size", &entry.size.to_string());
    members.text("digest", entry.digest.as_str());
    write_annotations(members, &entry.annotations);
    let platform = entry.platform.clone().unwrap_or_default();
    members.object("platform", |members| write_platform(members, &platform));
    let artifact = entry.artifact_type.as_deref();
    members.some_text("artifactType", artifact.unwrap_or_default());
}

/// Two images for the same platform: clients use the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformClash {
    /// The platform.
    pub platform: Platform,
    /// The two images.
    pub images: [String; 2],
}

impl fmt::Display for PlatformClash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = &self.images;
        write!(f, "{first} and {second} are both for {}", self.platform)
    }
}

/// The first two images of the same platform. Attestations have no platform, and an image that is listed
/// twice counts once.
#[must_use]
pub fn clash(entries: &[ListEntry]) -> Option<PlatformClash> {
    entries.iter().enumerate().find_map(|(place, second)| {
        let platform = second.compared_platform()?;
        let is_other = |first: &&ListEntry| {
            first.compared_platform().as_ref() == Some(&platform)
                && first.descriptor.digest != second.descriptor.digest
        };
        let first = entries[..place].iter().find(is_other)?;
        let images = [first, second].map(|entry| entry.image.to_string());
        Some(PlatformClash { platform, images })
    })
}

impl ListEntry {
    /// The platform by which two entries are compared; `None` for an attestation, or if it is not known.
    #[must_use]
    pub fn compared_platform(&self) -> Option<Platform> {
        if self.descriptor.is_attestation() {
            return None;
        }
        self.platform().map(Platform::normalised)
    }
}

#[cfg(test)]
mod tests;
