//! JSON Web Tokens signed with a service account's RSA key (RFC 7519, RFC 7515, algorithm RS256).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

/// An RSA key that signs.
pub(crate) struct SigningKey(RsaKeyPair);

impl SigningKey {
    /// Reads a PEM text: PKCS#8, or PKCS#1 as old keys are. Line ends that a shell turned
    /// into a backslash and an `n` are repaired.
    ///
    /// # Errors
    /// What is wrong with the key, without showing it.
    pub(crate) fn from_pem(pem: &SecretString) -> Result<Self, &'static str> {
        let repaired: SecretString = pem.expose_secret().replace("\\n", "\n").into();
        let der = PrivateKeyDer::from_pem_slice(repaired.expose_secret().as_bytes())
            .map_err(|_| "it is not a private key in PEM form")?;
        let pair = match &der {
            PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            _ => return Err("it is not an RSA key"),
        };
        pair.map(Self)
            .map_err(|_| "it is not a valid RSA key of at least 2048 bits")
    }

    /// A signed token with these claims. `key_id` lets the receiver find the public key.
    ///
    /// # Errors
    /// When the system provides no randomness for the blinding of the key.
    pub(crate) fn sign(
        &self,
        key_id: Option<&str>,
        claims: &Value,
    ) -> Result<SecretString, &'static str> {
        let mut header = json!({ "alg": "RS256", "typ": "JWT" });
        if let Some(key_id) = key_id {
            header["kid"] = key_id.into();
        }
        let signed = format!("{}.{}", segment(&header), segment(claims));
        let mut signature = vec![0; self.0.public().modulus_len()];
        self.0
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                signed.as_bytes(),
                &mut signature,
            )
            .map_err(|_| "the key cannot sign")?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)).into())
    }
}

fn segment(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}
