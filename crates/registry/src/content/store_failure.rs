//! A failure of the store as the error of a pull.

use regcred_core::ImageRef;

use crate::client::{Object, Part, Reason, RegistryError};
use crate::image::Digest;
use crate::store::LayoutError;

/// The pull's error for a failure of the store, or for content of another hash or size.
pub(crate) fn store_failure(image: &ImageRef, error: LayoutError) -> RegistryError {
    let wrong = |digest: Digest, reason| {
        let blob = Object::pulled(image.name(), Part::Blob(digest));
        RegistryError::new(&blob, reason)
    };
    match error {
        LayoutError::Mismatch { expected, actual } => wrong(expected, Reason::Digest { actual }),
        LayoutError::Size {
            digest,
            expected,
            actual,
        } => wrong(digest, Reason::Size { expected, actual }),
        other => RegistryError::local(image, "cannot store the image").caused_by(other),
    }
}
