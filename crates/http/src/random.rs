//! Randomness without security: for pauses, names of requests and of temporary files.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

/// A random number, another one each time. The standard library seeds its hashers at random, which
/// is enough where nothing is kept secret by it, and takes no dependency.
#[must_use]
pub fn random_word() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_differ() {
        let words: std::collections::BTreeSet<_> = (0..100).map(|_| random_word()).collect();
        assert_eq!(words.len(), 100);
    }
}
