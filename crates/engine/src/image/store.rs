//! Where images are kept: a container runtime, or a directory. The engine asks little of it.

use async_trait::async_trait;
use regcred_core::{Credentials, ErrorKind, report};
use regcred_registry::RegistryError;

use crate::credentials::Refusal;

/// A place for images, as the kubelet sees its container runtime (CRI `ImageService`).
#[async_trait]
pub trait ImageStore: Send + Sync {
    /// The ID of an image that is there, asked for by its name as written, with a tag or digest.
    ///
    /// # Errors
    /// When the store cannot say.
    async fn image_ref(&self, image: &str) -> Result<Option<String>, StoreError>;

    /// Pulls an image with one login, or anonymously.
    ///
    /// # Errors
    /// When it is not there afterwards.
    async fn pull(
        &self,
        image: &str,
        login: Option<&Credentials>,
    ) -> Result<StoredImage, StoreError>;

    /// All images.
    ///
    /// # Errors
    /// When the store cannot list them.
    async fn images(&self) -> Result<Vec<ListedImage>, StoreError>;
}

/// An image that a pull brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredImage {
    /// The store's ID of the image.
    pub image_ref: String,
    /// Bytes.
    pub size: u64,
}

/// An image in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedImage {
    /// The store's ID of the image.
    pub image_ref: String,
    /// All names with tags and digests, as the store writes them.
    pub names: Vec<String>,
}

/// What a store has to say. `Display` is one line.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct StoreError {
    /// On one line, without secrets. A runtime's text that begins with `RegistryUnavailable` or
    /// `SignatureValidationFailed` is told as such.
    pub message: String,
    /// What kind of failure it was, as far as it is known.
    pub kind: ErrorKind,
    /// Whether the registry refused the credential itself.
    pub refused: bool,
    /// Whether another credential might fare better. For a kubelet every failure is of this kind.
    pub curable: bool,
}

impl StoreError {
    /// An error of a runtime that says no more than a text: what comes next is tried, as a kubelet
    /// does.
    pub fn text(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            kind: ErrorKind::Unreachable,
            refused: false,
            curable: true,
        }
    }
}

impl From<&RegistryError> for StoreError {
    fn from(error: &RegistryError) -> Self {
        Self {
            message: report(error),
            kind: error.kind(),
            refused: error.credential_refused(),
            curable: error.is_curable_by_credential(),
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self {
            error: error.message,
            kind: error.kind,
            refused: error.refused,
            curable: error.curable,
        }
    }
}
