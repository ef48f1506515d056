//! `Docker-Content-Digest`. One of an unknown algorithm, or nonsense, counts as none.

use regcred_http::{HeaderMap, Response};

use super::error::{Reason, RegistryError};
use super::object::Object;
use crate::image::Digest;

/// The digest in an answer.
pub(super) fn content_digest(headers: &HeaderMap) -> Option<Digest> {
    let value = headers.get("docker-content-digest")?;
    value.to_str().ok()?.trim().parse().ok()
}

/// Fails if the registry answers with another digest than that of the content it was sent.
pub(super) fn confirm(
    object: &Object,
    response: &Response,
    sent: &Digest,
) -> Result<(), RegistryError> {
    match content_digest(response.headers()) {
        Some(actual) if contradicts(&actual, sent) => {
            Err(RegistryError::new(object, Reason::Digest { actual }))
        }
        _ => Ok(()),
    }
}

/// Whether the content of one digest cannot have the other.
pub(super) fn contradicts(one: &Digest, other: &Digest) -> bool {
    one.algorithm() == other.algorithm() && one != other
}
