//! A part of a blob as the body of a request, read from its source while it is sent.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use regcred_http::Body;
use tokio::sync::mpsc::{self, Sender};

use super::image_source::{ImageSource, SourceContent};
use crate::client::{BlobChunk, RegistryError, Repository};
use crate::content::store_failure;
use crate::image::Descriptor;
use crate::store::{Layout, LayoutError};

/// Reads one blob from its source, as often as it must be sent.
#[derive(Clone)]
pub(super) struct BlobReader {
    source: ImageSource,
    blob: Descriptor,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Bytes handed over since the last call of [`BlobReader::body`].
    sent: AtomicU64,
    /// Why the source could not be read. The request only reports that its body ended.
    failure: Mutex<Option<RegistryError>>,
}

impl BlobReader {
    pub(super) fn new(source: &ImageSource, blob: &Descriptor) -> Self {
        Self {
            source: source.clone(),
            blob: blob.clone(),
            shared: Arc::default(),
        }
    }

    /// These bytes of the blob.
    pub(super) fn body(&self, range: Range<u64>) -> Body {
        let reader = self.clone();
        reader.shared.sent.store(0, Ordering::Relaxed);
        if let Some(bytes) = self.blob.embedded() {
            let part = slice(&bytes, &range);
            self.shared.sent.store(part.len() as u64, Ordering::Relaxed);
            return part.into();
        }
        Body::stream(range.end - range.start, move || {
            let (sender, receiver) = mpsc::channel(QUEUE);
            let (reader, range) = (reader.clone(), range.clone());
            // Another attempt of the same request begins again.
            reader.shared.sent.store(0, Ordering::Relaxed);
            match reader.source.content().clone() {
                SourceContent::Layout(layout) => {
                    tokio::task::spawn_blocking(move || reader.read(&layout, range, &sender));
                }
                SourceContent::Repository(repository) => {
                    tokio::spawn(async move { reader.fetch(&repository, range, &sender).await });
                }
            }
            receiver
        })
    }

    /// Bytes of the last body that were handed over so far.
    pub(super) fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::Relaxed)
    }

    /// Why the source could not be read, once.
    pub(super) fn take_failure(&self) -> Option<RegistryError> {
        self.failure().take()
    }

    fn read(&self, layout: &Layout, range: Range<u64>, sender: &Sender<io::Result<Bytes>>) {
        if let Err(error) = self.read_pieces(layout, range, sender) {
            self.fail(store_failure(self.source.image(), error));
            let _ = sender.blocking_send(Err(broken()));
        }
    }

    fn read_pieces(
        &self,
        layout: &Layout,
        range: Range<u64>,
        sender: &Sender<io::Result<Bytes>>,
    ) -> Result<(), LayoutError> {
        let mut file = layout.open_blob(&self.blob)?;
        let path = layout.blob_path(&self.blob.digest);
        file.seek(SeekFrom::Start(range.start))
            .map_err(LayoutError::io("read", &path))?;
        let mut left = range.end - range.start;
        while left > 0 {
            let piece = piece(&mut file, left).map_err(LayoutError::io("read", &path))?;
            left -= piece.len() as u64;
            self.count(&piece);
            // An attempt that has ended reads no further.
            if sender.blocking_send(Ok(piece)).is_err() {
                break;
            }
        }
        Ok(())
    }

    async fn fetch(
        &self,
        repository: &Repository,
        range: Range<u64>,
        sender: &Sender<io::Result<Bytes>>,
    ) {
        if let Err(error) = self.stream(repository, range, sender).await {
            self.fail(error);
            let _ = sender.send(Err(broken())).await;
        }
    }

    async fn stream(
        &self,
        repository: &Repository,
        range: Range<u64>,
        sender: &Sender<io::Result<Bytes>>,
    ) -> Result<(), RegistryError> {
        let mut left = range.end - range.start;
        let mut stream = repository.blob(&self.blob, range.start).await?;
        while left > 0 {
            let Some(chunk) = stream.chunk().await? else {
                break;
            };
            let BlobChunk::Bytes(bytes) = chunk else {
                continue;
            };
            let piece = slice(&bytes, &(0..left));
            left -= piece.len() as u64;
            self.count(&piece);
            if sender.send(Ok(piece)).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    fn count(&self, piece: &Bytes) {
        let length = piece.len() as u64;
        self.shared.sent.fetch_add(length, Ordering::Relaxed);
    }

    fn fail(&self, error: RegistryError) {
        *self.failure() = Some(error);
    }

    fn failure(&self) -> MutexGuard<'_, Option<RegistryError>> {
        let failure = self.shared.failure.lock();
        failure.unwrap_or_else(PoisonError::into_inner)
    }
}

/// The next bytes of a file, at most `left`.
fn piece(file: &mut File, left: u64) -> io::Result<Bytes> {
    let length = PIECE.min(usize::try_from(left).unwrap_or(PIECE));
    let mut bytes = Vec::with_capacity(length);
    file.take(length as u64).read_to_end(&mut bytes)?;
    if bytes.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes.into())
}

fn slice(bytes: &Bytes, range: &Range<u64>) -> Bytes {
    let at = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).min(bytes.len());
    bytes.slice(at(range.start)..at(range.end))
}

fn broken() -> io::Error {
    io::Error::other("the blob cannot be read from its source")
}

/// What is read from a file at a time.
const PIECE: usize = 256 * 1024;
/// Pieces that wait to be sent.
const QUEUE: usize = 2;
