//! Where images are kept: a container runtime, or a directory.

use std::future::Future;

use regcred_registry::{Logins, Progress};

use crate::credentials::AttemptError;

/// A store of images, as the kubelet sees its container runtime (CRI `ImageService`).
pub trait ImageStore: Send + Sync {
    /// What the store knows of an image.
    type Image: StoredImage;

    /// The image of a name as written, with a tag or digest; `None` when it is not in the store.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn find(
        &self,
        image: &str,
    ) -> impl Future<Output = Result<Option<Self::Image>, AttemptError>> + Send;

    /// Pulls an image with the logins of one attempt. A container runtime takes only the image's, and
    /// offers that to mirrors itself. A store that does not know the blobs of a pull leaves `progress`
    /// alone.
    ///
    /// # Errors
    /// When the image is not in the store afterwards.
    fn pull(
        &self,
        image: &str,
        logins: &Logins,
        progress: &dyn Progress,
    ) -> impl Future<Output = Result<Self::Image, AttemptError>> + Send;

    /// All images.
    ///
    /// # Errors
    /// When the store cannot list them.
    fn images(&self) -> impl Future<Output = Result<Vec<ListedImage>, AttemptError>> + Send;
}

/// An image in a store.
pub trait StoredImage: Send + Sync {
    /// The store's ID of the image.
    fn image_ref(&self) -> String;

    /// Its size in bytes.
    fn size(&self) -> u64;
}

/// An image in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedImage {
    /// The store's ID of the image.
    pub image_ref: String,
    /// All names with tags and digests, as the store writes them.
    pub names: Vec<String>,
}
