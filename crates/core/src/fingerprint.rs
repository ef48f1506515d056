//! Telling secrets apart without telling them.

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest as _, Sha256};

/// The SHA-256 of a secret in hexadecimal: what stands for it in a cache key.
#[must_use]
pub fn fingerprint(secret: &SecretString) -> String {
    let hash = Sha256::digest(secret.expose_secret().as_bytes());
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_differ_and_show_nothing() {
        let of = |text: &str| fingerprint(&text.into());
        assert_ne!(of("canary1"), of("canary2"));
        assert!(!of("canary1").contains("canary"));
        assert_eq!(&of("")[..8], "e3b0c442");
    }
}
