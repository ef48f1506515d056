//! A service principal's certificate, and the assertion that its key signs (Entra ID's
//! "certificate credentials", RFC 7523, RFC 7515 with RS256).

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use p12_keystore::Pkcs12Archive;
use regcred_cloud::SigningKey;
use regcred_core::ProviderError;
use regcred_files::{MIB, read_secret_bytes};
use regcred_http::random_word;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::ERRORS;

/// A certificate with its RSA key.
pub(crate) struct Certificate {
    key: SigningKey,
    /// DER, the key's own certificate first.
    chain: Vec<Vec<u8>>,
}

impl Certificate {
    /// Reads a PEM file (certificate and key, PKCS#8 or PKCS#1) or a PKCS#12 file.
    ///
    /// # Errors
    /// When the file cannot be used. The message shows nothing of it.
    pub(crate) fn read(
        path: &Path,
        password: Option<&SecretString>,
    ) -> Result<Self, ProviderError> {
        let shown = path.display();
        let content = read_secret_bytes(path, MIB)
            .map_err(|error| ERRORS.unreadable("the certificate", path, error))?;
        let content = content.expose_secret();
        let is_pem = content.windows(PEM.len()).any(|window| window == PEM);
        let read = if is_pem {
            Self::from_pem(content)
        } else {
            Self::from_pkcs12(content, password)
        };
        read.map_err(|why| {
            ERRORS.misconfigured(format!("cannot use the certificate {shown}: {why}"))
        })
    }

    fn from_pem(text: &[u8]) -> Result<Self, &'static str> {
        let keys: Result<Vec<_>, _> = PrivateKeyDer::pem_slice_iter(text).collect();
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
        let (Ok(keys), Ok(certificates)) = (keys, certificates) else {
            return Err("its PEM is broken");
        };
        let key = match &keys[..] {
            [key] => SigningKey::from_der(key).map_err(|_| NOT_RSA)?,
            [] => return Err(NO_KEY),
            _ => return Err("it has several private keys"),
        };
        Self::new(key, certificates.iter().map(|der| der.to_vec()).collect())
    }

    fn from_pkcs12(bytes: &[u8], password: Option<&SecretString>) -> Result<Self, &'static str> {
        let given = password
            .map(ExposeSecret::expose_secret)
            .unwrap_or_default();
        let archive = Pkcs12Archive::from_pkcs12(bytes, given).map_err(|_| match password {
            Some(_) => "it is neither PEM nor PKCS#12, or the password is wrong",
            None => "it is neither PEM nor PKCS#12, or needs a password",
        })?;
        let [key] = &archive.keys[..] else {
            return Err("it does not have exactly one private key");
        };
        let key = PrivatePkcs8KeyDer::from(key.key.as_der()).into();
        let key = SigningKey::from_der(&key).map_err(|_| NOT_RSA)?;
        let certificates = archive.certs.iter();
        Self::new(
            key,
            certificates.map(|bag| bag.cert.as_der().to_vec()).collect(),
        )
    }

    fn new(key: SigningKey, mut chain: Vec<Vec<u8>>) -> Result<Self, &'static str> {
        // A certificate repeats its key's modulus, which is long enough to be there only once.
        let modulus = key.modulus();
        let own = chain
            .iter()
            .position(|der| der.windows(modulus.len()).any(|window| window == modulus))
            .ok_or("none of its certificates belongs to the private key")?;
        let own = chain.remove(own);
        chain.insert(0, own);
        Ok(Self { key, chain })
    }

    /// An assertion of the client, for one use within ten minutes. `audience` is the
    /// token endpoint's URL.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub(crate) fn assertion(
        &self,
        client_id: &str,
        audience: &str,
        now: DateTime<Utc>,
        send_chain: bool,
    ) -> Result<SecretString, ProviderError> {
        let thumbprint = digest(&SHA1_FOR_LEGACY_USE_ONLY, &self.chain[0]);
        let chain = self.chain.iter().map(|der| STANDARD.encode(der));
        let members = [
            ("x5t", URL_SAFE_NO_PAD.encode(thumbprint).into()),
            ("x5c", send_chain.then(|| chain.collect::<Value>()).into()),
        ];
        let claims = json!({
            "aud": audience,
            "iss": client_id,
            "sub": client_id,
            "jti": unique_id(),
            "nbf": now.timestamp(),
            "iat": now.timestamp(),
            "exp": (now + LIFE).timestamp(),
        });
        self.key
            .sign(&members, &claims)
            .map_err(|why| ERRORS.misconfigured(format!("cannot use the certificate: {why}")))
    }
}

/// A random UUID (RFC 9562, version 4).
fn unique_id() -> String {
    let [high, low] = [random_word(), random_word()];
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 48 & 0x3fff | 0x8000,
        low & 0xffff_ffff_ffff
    )
}

const NO_KEY: &str = "it has no private key that can be read; one with a password must be in a \
                      PKCS#12 file";
const PEM: &[u8] = b"-----BEGIN ";
const NOT_RSA: &str =
    "its key is not an RSA key of 2048 to 4096 bits, the only kind that Entra ID accepts";
const LIFE: TimeDelta = TimeDelta::minutes(10);

#[cfg(test)]
mod tests;
