//! JSON Web Tokens as their receiver reads them (RFC 7519).

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ring::signature::{UnparsedPublicKey, VerificationAlgorithm};
use serde_json::Value;

/// A token taken apart, not checked.
pub(super) struct Jwt {
    pub(super) header: Value,
    pub(super) claims: Value,
    signed: String,
    signature: Vec<u8>,
}

impl Jwt {
    pub(super) fn parse(token: &str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let value = |part: &str| serde_json::from_slice(&BASE64URL.decode(part).ok()?).ok();
        Some(Self {
            header: value(header)?,
            claims: value(claims)?,
            signed: signed.to_owned(),
            signature: BASE64URL.decode(signature).ok()?,
        })
    }

    /// Whether this key signed it by this algorithm.
    pub(super) fn is_signed_by(
        &self,
        name: &str,
        algorithm: &'static dyn VerificationAlgorithm,
        key: &[u8],
    ) -> bool {
        let key = UnparsedPublicKey::new(algorithm, key);
        self.header["alg"] == name && key.verify(self.signed.as_bytes(), &self.signature).is_ok()
    }

    pub(super) fn text(&self, claim: &str) -> &str {
        self.claims[claim].as_str().unwrap_or_default()
    }

    pub(super) fn time(&self, claim: &str) -> i64 {
        self.claims[claim].as_i64().unwrap_or_default()
    }
}

/// Google takes segments with padding, as some of its clients send them, and without.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
