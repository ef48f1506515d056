//! All blobs of a pull, several at a time.

use std::cmp::Reverse;
use std::num::NonZeroUsize;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use regcred_core::ImageRef;

use super::blob_sink::Alive;
use super::progress::{BlobState, Progress, PullEvent};
use crate::client::{RegistryError, Repository};
use crate::image::Descriptor;
use crate::store::Layout;

/// Where blobs come from and go to.
pub(super) struct Blobs<'a> {
    pub(super) repository: &'a Repository,
    pub(super) layout: &'a Layout,
    pub(super) image: &'a ImageRef,
    pub(super) progress: &'a dyn Progress,
    pub(super) streams: NonZeroUsize,
}

/// What was downloaded.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fetched {
    pub(super) blobs: usize,
    pub(super) bytes: u64,
}

impl Blobs<'_> {
    /// Fetches what the store lacks: the first blob (the configuration) first, then the largest,
    /// so that no long download starts last. Ends at the first failure, after every temporary file
    /// is gone.
    pub(super) async fn fetch(&self, blobs: &[Descriptor]) -> Result<Fetched, RegistryError> {
        let (present, mut missing): (Vec<_>, Vec<_>) =
            blobs.iter().partition(|blob| self.layout.has_blob(blob));
        for blob in present {
            self.tell(blob, BlobState::Exists);
        }
        for blob in &missing {
            self.tell(blob, BlobState::Waiting);
        }
        let needed = missing
            .iter()
            .fold(0_u64, |sum, blob| sum.saturating_add(blob.size));
        self.layout
            .require_space(needed)
            .map_err(|error| super::local(self.image, error))?;
        if let Some(layers) = missing.get_mut(1..) {
            layers.sort_by_key(|blob| Reverse(blob.size));
        }

        let alive = Alive::default();
        // Made beforehand: a closure inside the stream would keep the whole pull from being `Send`.
        let transfers: Vec<_> = missing
            .into_iter()
            .map(|blob| self.fetch_one(blob, &alive))
            .collect();
        let fetched = stream::iter(transfers)
            .buffer_unordered(self.streams.get())
            .try_fold(Fetched::default(), |sum, bytes| async move {
                Ok(Fetched {
                    blobs: sum.blobs + usize::from(bytes.is_some()),
                    bytes: sum.bytes + bytes.unwrap_or(0),
                })
            })
            .await;
        alive.all_gone().await;
        fetched
    }

    pub(super) fn tell(&self, descriptor: &Descriptor, state: BlobState<'_>) {
        self.progress.event(PullEvent::Blob { descriptor, state });
    }
}
