//! The X.509 certificate by which an instance proves what it is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regcred_core::ProviderError;
use sha2::{Digest as _, Sha256};
use x509_cert::Certificate as X509;
use x509_cert::der::Decode as _;

use crate::ERRORS;
use crate::key::{PrivateKey, colons};
use crate::pem;

/// A leaf certificate of the metadata server.
#[derive(Debug)]
pub(crate) struct Certificate {
    der: Vec<u8>,
    /// The tenancy that the subject names.
    pub(crate) tenancy: String,
    /// PKCS#1.
    public_key: Vec<u8>,
}

impl Certificate {
    /// Reads the first certificate of a PEM text.
    pub(crate) fn from_pem(text: &str) -> Result<Self, ProviderError> {
        let what = "the metadata server's certificate";
        let der = der_of(text).ok_or_else(|| ERRORS.malformed(format!("{what} is not PEM")))?;
        let parsed = X509::from_der(&der).map_err(|e| {
            ERRORS
                .malformed(format!("cannot read {what}"))
                .with_source(e)
        })?;
        let body = parsed.tbs_certificate();
        let values = body.subject().iter().filter_map(|attribute| {
            let value = std::str::from_utf8(attribute.value.value()).ok()?;
            Some(value.to_owned())
        });
        let values: Vec<String> = values.collect();
        // An instance's certificate has `opc-tenant`, a service's `opc-identity`.
        let tenancy = ["opc-tenant:", "opc-identity:"]
            .iter()
            .find_map(|prefix| values.iter().find_map(|value| value.strip_prefix(prefix)))
            .ok_or_else(|| ERRORS.malformed(format!("{what} names no tenancy")))?
            .to_owned();
        let key = body
            .subject_public_key_info()
            .subject_public_key
            .raw_bytes();
        Ok(Self {
            tenancy,
            public_key: key.to_vec(),
            der,
        })
    }

    /// Whether the key is this certificate's. The pair is replaced in two steps, and a reader can
    /// come in between.
    pub(crate) fn belongs_to(&self, key: &PrivateKey) -> bool {
        self.public_key == key.public_pkcs1()
    }

    /// The SHA-256 fingerprint, in lower-case pairs.
    pub(crate) fn fingerprint(&self) -> String {
        colons(&Sha256::digest(&self.der))
    }

    /// DER in base64.
    pub(crate) fn base64(&self) -> String {
        STANDARD.encode(&self.der)
    }
}

/// The DER of the first certificate in base64, for the chain that is only passed on.
pub(crate) fn base64_of(pem: &str) -> Option<String> {
    Some(STANDARD.encode(der_of(pem)?))
}

fn der_of(text: &str) -> Option<Vec<u8>> {
    let blocks = pem::blocks(text);
    let block = blocks.iter().find(|block| block.label == "CERTIFICATE")?;
    Some(block.der.to_vec())
}
