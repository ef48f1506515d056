//! Hashes as text, and the replacement of a secret in a key.

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest as _, Sha256};

/// The SHA-256 of a secret in hexadecimal, which replaces the secret in a cache key.
#[must_use]
pub fn fingerprint(secret: &SecretString) -> String {
    hex(Sha256::digest(secret.expose_secret()))
}

/// Bytes as lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    let bytes = bytes.as_ref();
    let mut digits = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for half in [byte >> 4, byte & 0xf] {
            digits.push(char::from(DIGITS[usize::from(half)]));
        }
    }
    digits
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_two_lower_case_digits_each() {
        assert_eq!(hex([0x00, 0x0f, 0xa0, 0xff]), "000fa0ff");
        assert_eq!(hex([]), "");
    }

    #[test]
    fn fingerprints_differ_and_show_nothing() {
        let of = |text: &str| fingerprint(&text.into());
        assert_ne!(of("canary1"), of("canary2"));
        assert!(!of("canary1").contains("canary"));
        assert_eq!(&of("")[..8], "e3b0c442");
    }
}
