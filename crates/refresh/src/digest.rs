//! Hashes that tell contents apart without holding them.

use regcred_core::hex;
use sha2::{Digest as _, Sha256};

/// The first half of a SHA-256 over the parts.
pub(crate) fn digest<'a>(parts: impl IntoIterator<Item = &'a str>) -> [u8; 16] {
    let mut sum = Sha256::new();
    for part in parts {
        sum.update((part.len() as u64).to_be_bytes());
        sum.update(part.as_bytes());
    }
    let mut half = [0; 16];
    half.copy_from_slice(&sum.finalize()[..16]);
    half
}

/// The same in hexadecimal.
pub(crate) fn hash<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    hex(digest(parts))
}
