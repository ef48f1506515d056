//! All blobs of a pull, several at a time.

use std::cmp::Reverse;
use std::num::NonZeroUsize;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::blob_sink::WriterThreads;
use super::connections::Connections;
use super::transfer::Transfer;
use crate::client::RegistryError;
use crate::content::store_failure;
use crate::image::Descriptor;
use crate::progress::BlobState;

/// Fetches what the store lacks: the first blob (the configuration) first, then the largest, so
/// that no long download starts last. Returns the bytes downloaded of each blob. Ends at the first
/// failure, after every writer has ended.
pub(super) async fn fetch(
    transfer: &Transfer<'_>,
    blobs: &[Descriptor],
    streams: NonZeroUsize,
) -> Result<Vec<u64>, RegistryError> {
    let (present, mut missing): (Vec<_>, Vec<_>) = blobs
        .iter()
        .partition(|blob| transfer.layout.has_blob(blob));
    for blob in present {
        transfer.report(blob, BlobState::Exists);
    }
    for blob in &missing {
        transfer.report(blob, BlobState::Waiting);
    }
    transfer
        .layout
        .require_space(&missing)
        .map_err(|error| store_failure(transfer.image, error))?;
    if let Some(layers) = missing.get_mut(1..) {
        layers.sort_by_key(|blob| Reverse(blob.size));
    }

    let threads = WriterThreads::default();
    let connections = Connections::new(streams);
    // Collected first: a closure inside the stream would keep the whole pull from being `Send`.
    let transfers: Vec<_> = missing
        .into_iter()
        .map(|blob| transfer.fetch(blob, &threads, connections.waiting()))
        .collect();
    let downloaded = stream::iter(transfers)
        // Those that are downloaded, and as many of which the last bytes are written.
        .buffer_unordered(2 * streams.get())
        .try_filter_map(|bytes| async move { Ok(bytes) })
        .try_collect()
        .await;
    threads.ended().await;
    downloaded
}
