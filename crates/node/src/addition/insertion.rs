//! A change of a text at one place.

use secrecy::zeroize::Zeroizing;

/// A text that is inserted at a byte.
pub(super) struct Insertion {
    pub(super) at: usize,
    pub(super) text: Zeroizing<String>,
}
