//! The push itself.

use std::cmp::Reverse;
use std::num::NonZeroUsize;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::image_source::ImageSource;
use super::transfer::{Arrival, Transfer};
use crate::client::{Object, Part, RegistryError, Repository};
use crate::content::PlatformChoice;
use crate::image::{Descriptor, Digest, RawManifest};
use crate::progress::{BlobState, Progress, TransferEvent};

/// A push of images into one repository.
#[derive(Clone, Copy)]
pub struct Push<'a> {
    /// The repository that receives the images.
    pub target: &'a Repository,
    /// How many blobs are sent at the same time.
    pub streams: NonZeroUsize,
    /// Receives the progress.
    pub progress: &'a dyn Progress,
}

/// What a push did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushedImage {
    /// The digest of the manifest or index, which the repository now has.
    pub digest: Digest,
    /// The number of blobs (configurations and layers).
    pub blobs: usize,
    /// The number of blobs that this push mounted from another repository.
    pub mounted_blobs: usize,
    /// The number of blobs that this push uploaded.
    pub uploaded_blobs: usize,
    /// The bytes of the blobs that this push uploaded.
    pub uploaded_bytes: u64,
}

impl<'a> Push<'a> {
    /// A push with four streams.
    #[must_use]
    pub fn new(target: &'a Repository, progress: &'a dyn Progress) -> Self {
        Self {
            target,
            streams: const { NonZeroUsize::new(4).expect("four") },
            progress,
        }
    }

    /// Puts a manifest or index with all that it names under its digest, and then under the tags, with
    /// exactly its bytes. `top` need not be in the source, but what it names must be.
    ///
    /// A manifest that the repository has is not sent again, nor are its blobs; nor are layers that a
    /// registry does not distribute. An index of images that come from several sources is put after
    /// them, with [`Repository::put_manifest`].
    ///
    /// # Errors
    /// What the registry answered, and a source that cannot be read.
    pub async fn image(
        &self,
        source: &ImageSource,
        top: &RawManifest,
        tags: &[&str],
    ) -> Result<PushedImage, RegistryError> {
        let mut pushed = PushedImage {
            digest: top.digest.clone(),
            blobs: 0,
            mounted_blobs: 0,
            uploaded_blobs: 0,
            uploaded_bytes: 0,
        };
        if !self.target.has_manifest(&top.digest).await? {
            self.content(source, top, &mut pushed).await?;
        }
        for tag in tags {
            self.tag(tag, top).await?;
        }
        Ok(pushed)
    }

    /// Puts a manifest or index under a tag. A registry that refuses to replace a tag need not do so
    /// where the tag names this manifest already.
    ///
    /// # Errors
    /// What the registry answered.
    pub async fn tag(&self, tag: &str, manifest: &RawManifest) -> Result<(), RegistryError> {
        let Err(error) = self.target.put_manifest(tag, manifest).await else {
            return Ok(());
        };
        let is_refused = error
            .status()
            .is_some_and(|status| status.is_client_error());
        if is_refused
            && let Ok(head) = self.target.head_manifest(tag).await
            && head.digest == manifest.digest
        {
            return Ok(());
        }
        Err(error)
    }

    async fn content(
        &self,
        source: &ImageSource,
        top: &RawManifest,
        pushed: &mut PushedImage,
    ) -> Result<(), RegistryError> {
        let plan = source.plan(top, &PlatformChoice::All).await?;
        let missing = self.missing(&plan.manifests, top).await?;
        let blobs = plan.blobs_of(&missing).map_err(|error| {
            let object = Object::pulled(source.image().to_string(), Part::Whole);
            RegistryError::manifest(&object, error)
        })?;
        self.progress.event(TransferEvent::Resolved {
            image: source.image(),
            digest: &top.digest,
            blobs: blobs.len(),
            bytes: blobs
                .iter()
                .fold(0, |sum, blob| sum.saturating_add(blob.size)),
        });
        pushed.blobs = plan.blobs.len();
        let transfer = Transfer {
            source,
            target: self.target,
            progress: self.progress,
        };
        for (blob, arrival) in self.blobs(&transfer, &blobs).await? {
            match arrival {
                Arrival::Present => {}
                Arrival::Mounted => pushed.mounted_blobs += 1,
                Arrival::Uploaded => {
                    pushed.uploaded_blobs += 1;
                    pushed.uploaded_bytes += blob.size;
                }
            }
        }
        for manifest in missing {
            let digest = manifest.digest.as_str();
            self.target.put_manifest(digest, manifest).await?;
        }
        Ok(())
    }

    /// The manifests that the repository lacks, in their order. `top` is one of them.
    async fn missing<'m>(
        &self,
        manifests: &'m [RawManifest],
        top: &RawManifest,
    ) -> Result<Vec<&'m RawManifest>, RegistryError> {
        let asked: Vec<_> = manifests
            .iter()
            .map(|manifest| async move {
                let is_top = manifest.digest == top.digest;
                let is_there = !is_top && self.target.has_manifest(&manifest.digest).await?;
                Ok::<_, RegistryError>((!is_there).then_some(manifest))
            })
            .collect();
        let asked = stream::iter(asked).buffered(self.streams.get());
        asked
            .try_filter_map(|missing| async move { Ok(missing) })
            .try_collect()
            .await
    }

    /// Sends what the repository lacks, the largest first. Ends at the first failure.
    async fn blobs<'b>(
        &self,
        transfer: &Transfer<'_>,
        blobs: &'b [Descriptor],
    ) -> Result<Vec<(&'b Descriptor, Arrival)>, RegistryError> {
        for blob in blobs {
            transfer.report(blob, BlobState::Waiting);
        }
        let mut sorted: Vec<_> = blobs.iter().collect();
        sorted.sort_by_key(|blob| Reverse(blob.size));
        // Collected first: a closure inside the stream would keep the whole push from being `Send`.
        let transfers: Vec<_> = sorted
            .into_iter()
            .map(|blob| async move { Ok((blob, transfer.send(blob).await?)) })
            .collect();
        stream::iter(transfers)
            .buffer_unordered(self.streams.get())
            .try_collect()
            .await
    }
}

#[cfg(test)]
mod tests;
