//! Manifests and indexes: from the store if it has them, else from the registry.

use bytes::Bytes;
use regcred_core::ImageRef;

use super::store_failure::store_failure;
use crate::client::{Object, Part, Reason, RegistryError, Repository};
use crate::image::{Descriptor, Digest, ManifestOrIndex, RawManifest};
use crate::store::Layout;

/// Reads the manifests of one image, from a store, a repository, or both.
pub(crate) struct ManifestReader<'a> {
    pub(crate) repository: Option<&'a Repository>,
    pub(crate) layout: Option<&'a Layout>,
    pub(crate) image: &'a ImageRef,
}

impl ManifestReader<'_> {
    /// A configuration, whose platform must be known before anything else is fetched. It goes into
    /// the store at once.
    pub(crate) async fn read_config(&self, blob: &Descriptor) -> Result<Bytes, RegistryError> {
        if let Some(bytes) = self.at_hand(blob)? {
            return Ok(bytes);
        }
        let missing = || RegistryError::local(self.image, format!("{} is missing", blob.digest));
        let repository = self.repository.ok_or_else(missing)?;
        let bytes = repository.blob_bytes(blob, LARGEST_CONFIG).await?;
        if let Some(layout) = self.layout {
            let stored = layout.put_bytes(blob, &bytes);
            stored.map_err(|error| store_failure(self.image, error))?;
        }
        Ok(bytes)
    }

    /// What a descriptor names, verified against it.
    pub(crate) async fn read(
        &self,
        entry: &Descriptor,
    ) -> Result<(RawManifest, ManifestOrIndex), RegistryError> {
        let digest = &entry.digest;
        let fail = |reason| RegistryError::new(&self.object(digest), reason);
        let bytes = match (self.at_hand(entry)?, self.repository) {
            (Some(bytes), _) => bytes,
            (None, Some(repository)) => repository.manifest(digest.as_str()).await?.bytes,
            (None, None) => return Err(fail(Reason::Local("is not in the store".to_owned()))),
        };
        let (expected, actual) = (entry.size, bytes.len() as u64);
        if actual != expected {
            return Err(fail(Reason::Size { expected, actual }));
        }
        let raw = RawManifest::read(&entry.media_type, digest.clone(), bytes)
            .map_err(|error| RegistryError::manifest(&self.object(digest), error))?;
        let parsed = self.parse(&raw)?;
        Ok((raw, parsed))
    }

    pub(crate) fn parse(&self, raw: &RawManifest) -> Result<ManifestOrIndex, RegistryError> {
        raw.parse()
            .map_err(|error| RegistryError::manifest(&self.object(&raw.digest), error))
    }

    /// Fails for indexes that are nested too deep, have too many entries, or name manifests of too many
    /// bytes: all of them are in memory at once.
    pub(crate) fn check_bounds(
        &self,
        depth: u32,
        entries: usize,
        bytes: u64,
    ) -> Result<(), RegistryError> {
        if depth > DEEPEST {
            return Err(self.refuse(format!("indexes are nested more than {DEEPEST} deep")));
        }
        if entries > MOST_ENTRIES {
            return Err(self.refuse(format!("the index has more than {MOST_ENTRIES} entries")));
        }
        if bytes > MOST_BYTES {
            let most = MOST_BYTES >> 20;
            return Err(self.refuse(format!(
                "the manifests that the index names have more than {most} MiB"
            )));
        }
        Ok(())
    }

    /// An error about what the registry sent for the image.
    pub(crate) fn refuse(&self, what: impl Into<String>) -> RegistryError {
        let object = Object::pulled(self.image.to_string(), Part::Whole);
        RegistryError::protocol(&object, what)
    }

    fn at_hand(&self, entry: &Descriptor) -> Result<Option<Bytes>, RegistryError> {
        if let Some(bytes) = entry.embedded() {
            return Ok(Some(bytes));
        }
        let Some(layout) = self.layout else {
            return Ok(None);
        };
        layout
            .read_blob(&entry.digest, LARGEST_MANIFEST)
            .map_err(|error| store_failure(self.image, error))
    }

    fn object(&self, digest: &Digest) -> Object {
        Object::pulled(self.image.name(), Part::Manifest(digest.to_string()))
    }
}

/// The largest manifest that is read, in bytes; registries accept at least that much.
pub(crate) const LARGEST_MANIFEST: u64 = 4 << 20;
const LARGEST_CONFIG: usize = 4 << 20;
const DEEPEST: u32 = 3;
const MOST_ENTRIES: usize = 1000;
/// Of all manifests below an index. Those of real indexes have a few kilobytes each.
const MOST_BYTES: u64 = 16 << 20;
