//! One image of a list.

use std::path::PathBuf;

use regcred_core::ImageRef;
use regcred_registry::{Descriptor, Digest, Platform, RawManifest};

/// An image of a list, with the list's fields for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListEntry {
    /// The image, with a tag or a digest.
    pub image: ImageRef,
    /// The image's manifest.
    pub manifest: RawManifest,
    /// Names the manifest in the list, with platform and annotations.
    pub descriptor: Descriptor,
    /// The OCI layout that has the image, for one that is not in a registry yet.
    pub layout: Option<PathBuf>,
    /// The digest of the registry's list of the same name, for an image that was taken from it.
    pub of_list: Option<Digest>,
}

impl ListEntry {
    /// An image in its registry.
    #[must_use]
    pub fn new(image: ImageRef, manifest: RawManifest, platform: Option<Platform>) -> Self {
        let mut descriptor = manifest.descriptor();
        descriptor.platform = platform;
        Self {
            image,
            manifest,
            descriptor,
            layout: None,
            of_list: None,
        }
    }

    /// The platform, if operating system and architecture are known.
    #[must_use]
    pub fn platform(&self) -> Option<&Platform> {
        self.descriptor.named_platform()
    }

    /// The name of the entry's file.
    pub(crate) fn file_name(&self) -> String {
        file_name(&self.image)
    }
}

/// The name under which docker keeps a list or an image (cli `store.go`, `makeFilesafeName`). Two images
/// may have the same.
pub(crate) fn file_name(image: &ImageRef) -> String {
    image.to_string().replace(':', "-").replace('/', "_")
}
