//! Digests in short.

use regcred_registry::Digest;

/// The first 12 hex digits, as docker shows a digest.
pub(super) fn short(digest: &Digest) -> &str {
    let encoded = digest.encoded();
    encoded.get(..12).unwrap_or(encoded)
}
