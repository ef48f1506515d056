//! Client assertions (RFC 7523) and what is wrong with them, in Entra ID's words.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use serde_json::Value;

use super::{CERTIFICATE_CLIENT, Directory, WORKLOAD_CLIENT, cluster, now};

/// Code and message.
pub(super) type Refused = (u32, &'static str);

/// Who shows the assertion at the token endpoint `url` for the client.
pub(super) fn owner(
    directory: &Directory,
    assertion: &str,
    client_id: &str,
    url: &str,
) -> Result<&'static str, Refused> {
    let parts = Parts::of(assertion).ok_or((50027, "JWT token is invalid or malformed."))?;
    match client_id {
        CERTIFICATE_CLIENT => parts.of_certificate(directory, url).map(|()| "certificate"),
        WORKLOAD_CLIENT => parts.of_cluster(cluster_audience()).map(|()| "workload"),
        _ => Err((700_016, "Application was not found in the directory.")),
    }
}

/// Whether a cluster's token is good at the endpoint of identity bindings.
pub(super) fn of_pod(assertion: &str) -> Result<(), Refused> {
    let parts = Parts::of(assertion).ok_or((50027, "JWT token is invalid or malformed."))?;
    parts.of_cluster(cluster::BINDINGS_AUDIENCE)
}

fn cluster_audience() -> &'static str {
    cluster::FEDERATION_AUDIENCE
}

struct Parts<'a> {
    header: Value,
    claims: Value,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Parts<'a> {
    fn of(token: &'a str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
        let json = |part: &str| serde_json::from_slice(&decode(part)?).ok();
        Some(Self {
            header: json(header)?,
            claims: json(claims)?,
            signed,
            signature: decode(signature)?,
        })
    }

    fn of_certificate(&self, directory: &Directory, url: &str) -> Result<(), Refused> {
        // Microsoft's own libraries pad the thumbprint, and some take the standard alphabet.
        let shown = |name: &str| {
            let text = self.header[name].as_str().unwrap_or_default();
            text.trim_end_matches('=')
                .replace('+', "-")
                .replace('/', "_")
        };
        let name = |algorithm| URL_SAFE_NO_PAD.encode(digest(algorithm, CERTIFICATE));
        let known =
            shown("x5t") == name(&SHA1_FOR_LEGACY_USE_ONLY) || shown("x5t#S256") == name(&SHA256);
        let algorithm: &'static dyn VerificationAlgorithm = match self.header["alg"].as_str() {
            Some("RS256") => &RSA_PKCS1_2048_8192_SHA256,
            Some("PS256") => &RSA_PSS_2048_8192_SHA256,
            _ => return Err((50027, "JWT token is invalid or malformed.")),
        };
        let key = UnparsedPublicKey::new(algorithm, public_key());
        if !known || key.verify(self.signed.as_bytes(), &self.signature).is_err() {
            return Err((
                700_027,
                "The certificate with identifier used to sign is not registered.",
            ));
        }
        let client = CERTIFICATE_CLIENT;
        if self.claims["iss"] != client || self.claims["sub"] != client {
            return Err((
                700_021,
                "Client assertion application identifier doesn't match.",
            ));
        }
        if self.claims["aud"] != url {
            return Err((700_023, "Client assertion audience claim does not match."));
        }
        if !(0..=600).contains(&(self.time("exp") - now())) || self.time("nbf") > now() {
            return Err((
                700_024,
                "Client assertion is not within its valid time range.",
            ));
        }
        match self.claims["jti"].as_str() {
            Some(id) if directory.is_first(id) => Ok(()),
            _ => Err((50027, "JWT token is replayed or has no id.")),
        }
    }

    fn of_cluster(&self, audience: &str) -> Result<(), Refused> {
        if self.claims["iss"] != cluster::ISSUER {
            return Err((
                700_211,
                "No matching federated identity record found for issuer.",
            ));
        }
        if !cluster::verified(&self.header, self.signed, &self.signature) {
            return Err((50_013, "Assertion failed signature validation."));
        }
        if self.claims["sub"] != cluster::SUBJECT {
            return Err((
                700_213,
                "No matching federated identity record found for subject.",
            ));
        }
        if self.claims["aud"] != serde_json::json!([audience]) {
            return Err((
                700_212,
                "No matching federated identity record found for audience.",
            ));
        }
        if self.time("exp") <= now() {
            return Err((
                700_024,
                "Client assertion is not within its valid time range.",
            ));
        }
        Ok(())
    }

    fn time(&self, name: &str) -> i64 {
        // Some write fractions of a second.
        let time = &self.claims[name];
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the fraction is not wanted"
        )]
        let floor = || time.as_f64().map(|t| t as i64);
        time.as_i64().or_else(floor).unwrap_or_default()
    }
}

/// The RSA key in the certificate: the bit string that holds a sequence of modulus and exponent.
fn public_key() -> &'static [u8] {
    let start = [0x00, 0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01];
    let at = CERTIFICATE.windows(start.len()).position(|w| w == start);
    let at = at.expect("an RSA key of 2048 bits") + 1;
    &CERTIFICATE[at..at + 4 + 0x10a]
}

/// The certificate that was uploaded.
const CERTIFICATE: &[u8] = include_bytes!("../../../crates/acr/testdata/test-only-certificate.der");
