//! A part of a blob as the body of a request, read from its source while it is sent.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use regcred_http::{Body, BodyObserver};
use tokio::sync::mpsc::{self, Sender};

use super::image_source::{ImageSource, SourceContent};
use crate::client::{BlobChunk, RegistryError, Repository};
use crate::content::store_failure;
use crate::image::Descriptor;
use crate::store::LayoutError;

/// Reads one blob from its source, as often as it must be sent.
#[derive(Clone)]
pub(super) struct BlobReader {
    content: BlobContent,
    shared: Arc<Shared>,
}

#[derive(Clone)]
enum BlobContent {
    /// In its descriptor.
    Embedded(Bytes),
    File(Arc<File>),
    Repository(Repository),
}

struct Shared {
    source: ImageSource,
    blob: Descriptor,
    /// Bytes handed over since the last call of [`BlobReader::body`].
    sent: AtomicU64,
    /// Why the source could not be read. The request only reports that its body ended.
    failure: Mutex<Option<RegistryError>>,
}

impl BlobReader {
    /// The blob of the source. A file that is missing or has another size is found before the registry
    /// is asked for a session.
    pub(super) fn open(source: &ImageSource, blob: &Descriptor) -> Result<Self, RegistryError> {
        let content = match (blob.embedded(), source.content()) {
            (Some(bytes), _) => BlobContent::Embedded(bytes),
            (None, SourceContent::Layout(layout)) => {
                let file = layout.open_blob(blob);
                let file = file.map_err(|error| store_failure(source.image(), error))?;
                BlobContent::File(Arc::new(file))
            }
            (None, SourceContent::Repository(repository)) => {
                BlobContent::Repository(repository.clone())
            }
        };
        let shared = Arc::new(Shared {
            source: source.clone(),
            blob: blob.clone(),
            sent: AtomicU64::default(),
            failure: Mutex::default(),
        });
        Ok(Self { content, shared })
    }

    /// These bytes of the blob.
    pub(super) fn body(&self, range: Range<u64>) -> Body {
        self.shared.begin();
        match &self.content {
            BlobContent::Embedded(bytes) => {
                let part = slice(bytes, &range);
                self.shared.sent(part.len() as u64);
                part.into()
            }
            BlobContent::File(file) => Body::file(file, range, self.shared.clone()),
            BlobContent::Repository(repository) => {
                let (repository, shared) = (repository.clone(), self.shared.clone());
                Body::stream(range.end - range.start, move || {
                    let (sender, receiver) = mpsc::channel(QUEUE);
                    let (repository, shared) = (repository.clone(), shared.clone());
                    let range = range.clone();
                    // Another attempt of the same request begins again.
                    shared.begin();
                    tokio::spawn(async move { shared.fetch(&repository, range, &sender).await });
                    receiver
                })
            }
        }
    }

    /// Bytes of the last body that were handed over so far.
    pub(super) fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::Relaxed)
    }

    /// Why the source could not be read, once.
    pub(super) fn take_failure(&self) -> Option<RegistryError> {
        self.shared.failure().take()
    }
}

impl BodyObserver for Shared {
    fn begin(&self) {
        self.sent.store(0, Ordering::Relaxed);
    }

    fn sent(&self, bytes: u64) {
        self.sent.fetch_add(bytes, Ordering::Relaxed);
    }

    fn failed(&self, error: io::Error) {
        if let SourceContent::Layout(layout) = self.source.content() {
            let path = layout.blob_path(&self.blob.digest);
            let error = LayoutError::io("read", &path)(error);
            *self.failure() = Some(store_failure(self.source.image(), error));
        }
    }
}

impl Shared {
    async fn fetch(
        &self,
        repository: &Repository,
        range: Range<u64>,
        sender: &Sender<io::Result<Bytes>>,
    ) {
        if let Err(error) = self.stream(repository, range, sender).await {
            *self.failure() = Some(error);
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
            self.sent(piece.len() as u64);
            if sender.send(Ok(piece)).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    fn failure(&self) -> MutexGuard<'_, Option<RegistryError>> {
        let failure = self.failure.lock();
        failure.unwrap_or_else(PoisonError::into_inner)
    }
}

fn slice(bytes: &Bytes, range: &Range<u64>) -> Bytes {
    let at = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).min(bytes.len());
    bytes.slice(at(range.start)..at(range.end))
}

fn broken() -> io::Error {
    io::Error::other("the blob cannot be read from its source")
}

/// Pieces that wait to be sent.
const QUEUE: usize = 2;
