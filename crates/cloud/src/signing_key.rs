//! JSON web tokens signed with an RSA key (RFC 7519, RFC 7515, algorithm RS256).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

/// An RSA key that signs.
pub struct SigningKey(RsaKeyPair);

impl SigningKey {
    /// Reads a PEM text: PKCS#8, or PKCS#1 as old keys are. Line ends that a shell turned
    /// into a backslash and an `n` are repaired.
    ///
    /// # Errors
    /// What is wrong with the key, without showing it.
    pub fn from_pem(pem: &SecretString) -> Result<Self, &'static str> {
        let repaired: SecretString = pem.expose_secret().replace("\\n", "\n").into();
        let der = PrivateKeyDer::from_pem_slice(repaired.expose_secret().as_bytes())
            .map_err(|_| "it is not a private key in PEM form")?;
        Self::from_der(&der)
    }

    /// The key in one of those forms.
    ///
    /// # Errors
    /// As [`SigningKey::from_pem`].
    pub fn from_der(der: &PrivateKeyDer<'_>) -> Result<Self, &'static str> {
        let pair = match der {
            PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            _ => return Err("it is not an RSA key"),
        };
        let pair = pair.map_err(|_| "it is not a valid RSA key of 2048 to 4096 bits")?;
        Ok(Self(pair))
    }

    /// The public modulus, big-endian: what the key's certificate has too.
    #[must_use]
    pub fn modulus(&self) -> Vec<u8> {
        PublicKeyComponents::from(self.0.public()).n
    }

    /// A signed token with these claims and, if they are not null, these members of the header in
    /// addition to `alg` and `typ`.
    ///
    /// # Errors
    /// When the system has no random bytes for the blinding of the key.
    pub fn sign(
        &self,
        members: &[(&str, Value)],
        claims: &Value,
    ) -> Result<SecretString, &'static str> {
        let mut header = json!({ "alg": "RS256", "typ": "JWT" });
        for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
            header[*name] = value.clone();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_not_a_key_is_refused_and_not_shown() {
        let broken = "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5\n-----END PRIVATE KEY-----";
        for text in ["canary", broken] {
            let error = SigningKey::from_pem(&text.into()).err();
            assert!(!error.expect(text).contains("canary"));
        }
    }
}
