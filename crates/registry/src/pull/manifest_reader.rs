//! Manifests and indexes: out of the store where they are, else from the registry.

use bytes::Bytes;
use regcred_core::ImageRef;

use crate::client::{Object, Part, Reason, RegistryError, Repository};
use crate::image::{Descriptor, Digest, Document};
use crate::store::Layout;

/// Reads manifests of one image. Without a repository it reads the store alone.
pub(super) struct Documents<'a> {
    pub(super) repository: Option<&'a Repository>,
    pub(super) layout: &'a Layout,
    pub(super) image: &'a ImageRef,
}

impl Documents<'_> {
    /// What the image's own reference names, asked of the registry. A digest decides over a tag.
    pub(super) async fn top(&self) -> Result<(Descriptor, Bytes), RegistryError> {
        let reference = self.image.digest().or(self.image.tag()).unwrap_or("latest");
        let Some(repository) = self.repository else {
            return Err(RegistryError::local(self.image, "is not in the store"));
        };
        let fetched = repository.manifest(reference).await?;
        Ok((fetched.descriptor(), fetched.bytes))
    }

    /// A configuration, to learn its platform before anything else is fetched. It goes into the
    /// store at once.
    pub(super) async fn read_config(&self, blob: &Descriptor) -> Result<Bytes, RegistryError> {
        if let Some(bytes) = self.at_hand(blob)? {
            return Ok(bytes);
        }
        let missing = || RegistryError::local(self.image, format!("{} is missing", blob.digest));
        let repository = self.repository.ok_or_else(missing)?;
        let bytes = repository.blob_bytes(blob, LARGEST_CONFIG).await?;
        self.layout
            .put_bytes(blob, &bytes)
            .map_err(|error| super::local(self.image, error))?;
        Ok(bytes)
    }

    /// The bytes behind a descriptor, proven against it.
    pub(super) async fn read(
        &self,
        descriptor: Descriptor,
    ) -> Result<(Descriptor, Bytes), RegistryError> {
        let bytes = match self.at_hand(&descriptor)? {
            Some(bytes) => bytes,
            None => self.fetch(&descriptor.digest).await?,
        };
        let actual = bytes.len() as u64;
        if actual != descriptor.size {
            let expected = descriptor.size;
            return Err(self.fail(&descriptor.digest, Reason::Size { expected, actual }));
        }
        Ok((descriptor, bytes))
    }

    /// Reads a document as what its descriptor says it is.
    pub(super) fn parse(
        &self,
        descriptor: &Descriptor,
        bytes: &[u8],
    ) -> Result<Document, RegistryError> {
        Document::media_type_of(&descriptor.media_type, bytes)
            .and_then(|media_type| Document::parse(&media_type, bytes))
            .map_err(|error| RegistryError::document(&self.object(&descriptor.digest), error))
    }

    /// Fails for indexes that nest too deep or have too many entries.
    pub(super) fn check_bounds(&self, depth: u32, entries: usize) -> Result<(), RegistryError> {
        if depth > DEEPEST {
            return Err(self.refuse(format!("indexes are nested more than {DEEPEST} deep")));
        }
        if entries > MOST_ENTRIES {
            return Err(self.refuse(format!("the index has more than {MOST_ENTRIES} entries")));
        }
        Ok(())
    }

    /// An error about what the registry sent for the image.
    pub(super) fn refuse(&self, what: impl Into<String>) -> RegistryError {
        let object = Object {
            repository: self.image.to_string(),
            part: Part::Whole,
        };
        RegistryError::protocol(&object, what)
    }

    fn at_hand(&self, descriptor: &Descriptor) -> Result<Option<Bytes>, RegistryError> {
        if let Some(bytes) = descriptor.embedded() {
            return Ok(Some(bytes));
        }
        self.layout
            .read_blob(&descriptor.digest, LARGEST)
            .map_err(|error| super::local(self.image, error))
    }

    async fn fetch(&self, digest: &Digest) -> Result<Bytes, RegistryError> {
        let Some(repository) = self.repository else {
            return Err(self.fail(digest, Reason::Local("is not in the store".to_owned())));
        };
        Ok(repository.manifest(digest.as_str()).await?.bytes)
    }

    fn fail(&self, digest: &Digest, reason: Reason) -> RegistryError {
        RegistryError::new(&self.object(digest), reason)
    }

    fn object(&self, digest: &Digest) -> Object {
        Object {
            repository: self.image.name(),
            part: Part::Manifest(digest.to_string()),
        }
    }
}

/// The largest manifest that is read, in bytes; what registries take at least.
pub(super) const LARGEST: u64 = 4 << 20;
const LARGEST_CONFIG: usize = 4 << 20;
const DEEPEST: u32 = 3;
const MOST_ENTRIES: usize = 1000;
