//! RSA private keys: every form in which Oracle's tools keep them, and RSA-SHA256 signatures by
//! ring.

mod encrypted_pem;
mod key_error;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::der::asn1::BitStringRef;
use pkcs8::der::{Decode as _, Encode as _};
use pkcs8::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use regcred_cloud::SecretPlace;
use regcred_core::{ProviderError, hex};
use ring::rand::SystemRandom;
use ring::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use secrecy::{ExposeSecret, SecretString};

use crate::{ERRORS, pem};

pub(crate) use key_error::KeyError;

/// An RSA private key of 2048 to 4096 bits.
pub(crate) struct PrivateKey(RsaKeyPair);

impl PrivateKey {
    /// The key in an option or a file; messages call it `what`.
    pub(crate) fn read(
        place: &SecretPlace,
        what: &str,
        passphrase: Option<&SecretString>,
    ) -> Result<Self, ProviderError> {
        let pem = place.read(ERRORS, what)?;
        Self::from_pem(pem.expose_secret(), passphrase).map_err(|error| {
            let message = format!("cannot use {}", place.describe(what));
            ERRORS.misconfigured(message).with_source(error)
        })
    }

    /// Reads a key: PKCS#1 or PKCS#8, plain or encrypted (PBES2, or the older `Proc-Type` form). A
    /// passphrase that is not needed is not used: it may come from another profile.
    pub(crate) fn from_pem(
        text: &str,
        passphrase: Option<&SecretString>,
    ) -> Result<Self, KeyError> {
        let blocks = pem::blocks(text);
        let private = blocks.iter().find(|b| b.label.ends_with("PRIVATE KEY"));
        let Some(block) = private else {
            return Err(match blocks.first().map(|b| b.label) {
                Some(label) if label.ends_with("PUBLIC KEY") => KeyError::Public,
                Some("CERTIFICATE") => KeyError::Certificate,
                _ if text.trim_start().starts_with("ssh-") => KeyError::Public,
                _ => KeyError::NotPem,
            });
        };
        let passphrase = passphrase.map(|p| p.expose_secret().as_bytes());
        match block.label {
            "RSA PRIVATE KEY" if block.header("DEK-Info").is_some() => {
                let der = encrypted_pem::decrypt(block, passphrase.ok_or(KeyError::NoPassphrase)?)?;
                // A wrong passphrase can leave the padding whole and the key broken.
                Self::from_pkcs1(&der).map_err(|error| match error {
                    KeyError::Damaged(_) => KeyError::WrongPassphrase,
                    error => error,
                })
            }
            "RSA PRIVATE KEY" => Self::from_pkcs1(&block.der),
            "PRIVATE KEY" => RsaKeyPair::from_pkcs8(&block.der)
                .map_err(rejected)
                .map(Self),
            "ENCRYPTED PRIVATE KEY" => {
                let passphrase = passphrase.ok_or(KeyError::NoPassphrase)?;
                let info = EncryptedPrivateKeyInfoRef::from_der(&block.der)
                    .map_err(|_| KeyError::Damaged("not PKCS#8".to_owned()))?;
                let plain = info
                    .decrypt(passphrase)
                    .map_err(|_| KeyError::WrongPassphrase)?;
                RsaKeyPair::from_pkcs8(plain.as_bytes())
                    .map_err(rejected)
                    .map(Self)
            }
            other => Err(KeyError::NotRsa(other.to_owned())),
        }
    }

    /// The RSA-SHA256 signature (PKCS#1 v1.5) in base64.
    pub(crate) fn sign(&self, message: &[u8]) -> String {
        let mut signature = vec![0; self.0.public().modulus_len()];
        self.0
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                message,
                &mut signature,
            )
            .expect("a buffer of the modulus' length, and the system's randomness");
        STANDARD.encode(signature)
    }

    /// The public key in PKCS#1 form.
    pub(crate) fn public_pkcs1(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    /// The public key in X.509 form (SubjectPublicKeyInfo), DER in base64: a PEM without its
    /// frame.
    pub(crate) fn public_base64(&self) -> String {
        STANDARD.encode(self.public_der())
    }

    /// The fingerprint by which Oracle names an API key: MD5 of the public key, in pairs.
    pub(crate) fn fingerprint(&self) -> String {
        colons(&Md5::digest(self.public_der()))
    }

    fn public_der(&self) -> Vec<u8> {
        let subject_public_key = BitStringRef::from_bytes(self.public_pkcs1());
        let info = subject_public_key.and_then(|subject_public_key| {
            SubjectPublicKeyInfoRef {
                algorithm: RSA_ENCRYPTION,
                subject_public_key,
            }
            .to_der()
        });
        info.expect("a key of a few hundred bytes")
    }

    /// The key in PKCS#1 form.
    pub(crate) fn from_pkcs1(der: &[u8]) -> Result<Self, KeyError> {
        RsaKeyPair::from_der(der).map_err(rejected).map(Self)
    }
}

/// Shows nothing of the key.
impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey")
    }
}

/// Bytes in lower-case hexadecimal, in pairs with colons between.
pub(crate) fn colons(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| hex([*byte])).collect();
    pairs.join(":")
}

fn rejected(error: ring::error::KeyRejected) -> KeyError {
    match error.to_string().as_str() {
        "TooSmall" => KeyError::TooSmall,
        "TooLarge" => KeyError::TooLarge,
        "WrongAlgorithm" => KeyError::NotRsa("of another algorithm".to_owned()),
        other => KeyError::Damaged(other.to_owned()),
    }
}

/// `rsaEncryption` with its NULL parameters (RFC 8017 appendix A.1).
const RSA_ENCRYPTION: AlgorithmIdentifierRef<'static> = AlgorithmIdentifierRef {
    oid: pkcs8::ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1"),
    parameters: Some(pkcs8::der::asn1::AnyRef::NULL),
};

#[cfg(test)]
pub(crate) mod tests;
