//! Content digests (OCI image-spec `descriptor.md`): parsing and hashing.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256, Sha512};

/// A digest whose algorithm can be verified: `sha256:` with 64 or `sha512:` with 128 lower-case
/// hex digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    algorithm: Algorithm,
    text: Box<str>,
}

/// Other algorithms are refused: content that cannot be verified is not fetched.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Algorithm {
    Sha256,
    Sha512,
}

impl Digest {
    /// The sha256 digest of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Algorithm::Sha256.hash(bytes)
    }

    /// The algorithm's name; also a directory of an image layout.
    #[must_use]
    pub fn algorithm(&self) -> &'static str {
        self.algorithm.name()
    }

    /// The hex digits after the colon. Safe as a file name.
    #[must_use]
    pub fn encoded(&self) -> &str {
        &self.text[self.algorithm.name().len() + 1..]
    }

    /// The whole text, `sha256:...`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// A hasher of this digest's algorithm.
    #[must_use]
    pub fn hasher(&self) -> Hasher {
        self.algorithm.hasher()
    }

    /// Whether these bytes have this digest.
    #[must_use]
    pub fn matches(&self, bytes: &[u8]) -> bool {
        self.of_same_algorithm(bytes) == *self
    }

    /// The digest of these bytes by the same algorithm.
    pub(crate) fn of_same_algorithm(&self, bytes: &[u8]) -> Self {
        self.algorithm.hash(bytes)
    }
}

impl Algorithm {
    fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    fn hasher(self) -> Hasher {
        match self {
            Self::Sha256 => Hasher(State::Sha256(Sha256::new())),
            Self::Sha512 => Hasher(State::Sha512(Sha512::new())),
        }
    }

    fn hash(self, bytes: &[u8]) -> Digest {
        let mut hasher = self.hasher();
        hasher.update(bytes);
        hasher.finish()
    }

    fn hex_digits(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }
}

/// Hashes data piece by piece.
#[derive(Clone, Debug)]
pub struct Hasher(State);

#[derive(Clone, Debug)]
enum State {
    Sha256(Sha256),
    Sha512(Sha512),
}

impl Hasher {
    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Sha256(state) => state.update(bytes),
            State::Sha512(state) => state.update(bytes),
        }
    }

    /// The digest of all bytes added.
    #[must_use]
    pub fn finish(self) -> Digest {
        match self.0 {
            State::Sha256(state) => digest(Algorithm::Sha256, &state.finalize()),
            State::Sha512(state) => digest(Algorithm::Sha512, &state.finalize()),
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = |reason| {
            let text = text.chars().take(LONGEST_SHOWN).collect();
            Err(DigestError { text, reason })
        };
        let Some((name, encoded)) = text.split_once(':') else {
            return fail("the colon is missing");
        };
        let algorithm = match name {
            "sha256" => Algorithm::Sha256,
            "sha512" => Algorithm::Sha512,
            _ => return fail("its algorithm is neither sha256 nor sha512"),
        };
        if encoded.len() != algorithm.hex_digits() {
            return fail("it has the wrong length");
        }
        let is_hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        if !encoded.bytes().all(is_hex) {
            return fail("it has characters that are not lower-case hex digits");
        }
        Ok(Self {
            algorithm,
            text: text.into(),
        })
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// A text that is not a digest of a supported algorithm.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a usable digest: {reason}")]
pub struct DigestError {
    text: String,
    reason: &'static str,
}

fn digest(algorithm: Algorithm, hash: &[u8]) -> Digest {
    let text = format!("{}:{}", algorithm.name(), regcred_core::hex(hash));
    Digest {
        algorithm,
        text: text.into(),
    }
}

const LONGEST_SHOWN: usize = 160;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn bytes_have_their_digest() {
        assert_eq!(Digest::of(b"").as_str(), EMPTY);
        let known: Digest = EMPTY.parse().expect("digest");
        assert!(known.matches(b"") && !known.matches(b"x"));
        let mut hasher = Algorithm::Sha512.hasher();
        hasher.update(b"ab");
        hasher.update(b"c");
        let long = hasher.finish();
        assert!(long.as_str().starts_with("sha512:ddaf35a193617aba"));
        assert!(long.matches(b"abc"));
        assert_eq!(long.as_str().parse(), Ok(long.clone()));
        assert_eq!(long.encoded().len(), 128);
    }

    #[test]
    fn what_cannot_be_verified_is_refused() {
        let upper = EMPTY.to_uppercase().replace("SHA", "sha");
        for text in [
            "",
            "sha256",
            "sha256:",
            "sha256:e3b0",
            "md5:d41d8cd98f00b204e9800998ecf8427e",
            "sha256:../../../../../../../../../../../../../../../../../../etc/passwd-",
            upper.as_str(),
        ] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_parses_is_a_safe_file_name_and_comes_back(text in "(sha256|sha512|md5)?:?[0-9a-fA-F/.]{0,140}|sha256:[0-9a-f]{64}") {
            if let Ok(digest) = text.parse::<Digest>() {
                prop_assert_eq!(digest.to_string(), text);
                prop_assert!(digest.encoded().bytes().all(|b| b.is_ascii_hexdigit()));
            }
        }
    }
}
