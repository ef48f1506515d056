//! One blob into a repository: looked for, mounted, or uploaded.

use regcred_core::ErrorKind;
use regcred_http::StatusCode;

use super::blob_body::BlobReader;
use super::image_source::ImageSource;
use super::upload::BlobUpload;
use crate::client::{Mount, RegistryError, Repository, Upload};
use crate::image::{Descriptor, media_type};
use crate::progress::{BlobState, Progress, TransferEvent};

/// The source and the destination of blobs.
pub(super) struct Transfer<'a> {
    pub(super) source: &'a ImageSource,
    pub(super) target: &'a Repository,
    pub(super) progress: &'a dyn Progress,
}

/// How a blob came into the repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// It was there, or clients fetch it from elsewhere.
    Present,
    Mounted,
    Uploaded,
}

impl Transfer<'_> {
    pub(super) async fn send(&self, blob: &Descriptor) -> Result<Arrival, RegistryError> {
        let is_elsewhere = media_type::is_nondistributable(&blob.media_type);
        if is_elsewhere && !blob.urls.is_empty() {
            self.report(blob, BlobState::Exists);
            return Ok(Arrival::Present);
        }
        if self.target.has_blob(&blob.digest).await? {
            self.report(blob, BlobState::Exists);
            return Ok(Arrival::Present);
        }
        let session = match self.mount(blob).await? {
            Some(Mount::Mounted) => {
                self.report(blob, BlobState::Mounted);
                return Ok(Arrival::Mounted);
            }
            Some(Mount::Refused(session)) => Some(session),
            None => None,
        };
        self.upload(blob, session).await?;
        self.report(blob, BlobState::Done);
        Ok(Arrival::Uploaded)
    }

    pub(super) fn report(&self, descriptor: &Descriptor, state: BlobState<'_>) {
        self.progress
            .event(TransferEvent::Blob { descriptor, state });
    }

    /// Asks for the blob of the source; `None` if it cannot be mounted. A registry that refuses the
    /// request, for example because the login has no right to the source, or answers it with a session
    /// that has no address, gets the bytes.
    async fn mount(&self, blob: &Descriptor) -> Result<Option<Mount>, RegistryError> {
        let Some(path) = self.source.path_in_registry_of(self.target) else {
            return Ok(None);
        };
        match self.target.mount(&blob.digest, path).await {
            Ok(Mount::Mounted) if !self.is_mounted(blob).await? => Ok(None),
            Ok(mount) => Ok(Some(mount)),
            Err(error) if is_refusal(&error) => {
                tracing::debug!(digest = %blob.digest, %error, "the registry does not mount");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Distribution 2.8 answers the mount of a sha512 blob with success, and the repository lacks it.
    async fn is_mounted(&self, blob: &Descriptor) -> Result<bool, RegistryError> {
        Ok(blob.digest.algorithm() == "sha256" || self.target.has_blob(&blob.digest).await?)
    }

    async fn upload(
        &self,
        blob: &Descriptor,
        session: Option<Upload>,
    ) -> Result<(), RegistryError> {
        let report = |state: BlobState<'_>| self.report(blob, state);
        report(BlobState::Uploading { done: 0 });
        let reader = BlobReader::open(self.source, blob)?;
        BlobUpload::new(self.target, blob, reader, &report)
            .run(session)
            .await
    }
}

/// Whether a mount was answered, but not with a blob or a session.
fn is_refusal(error: &RegistryError) -> bool {
    match error.status() {
        Some(status) => status.is_client_error() || status == StatusCode::NOT_IMPLEMENTED,
        None => error.kind() == ErrorKind::Malformed,
    }
}
