//! A cluster that signs tokens for its pods' service accounts.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::KeyPair;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
};
use serde_json::{Value, json};

use super::jwt::Jwt;
use super::now;

/// A cluster with a key of its own and one service account, `puller` in the namespace `shop`.
pub struct Cluster {
    issuer: String,
    key: EcdsaKeyPair,
    random: SystemRandom,
}

impl Cluster {
    pub(super) fn new(issuer: &str) -> Self {
        let random = SystemRandom::new();
        let key = KeyPair::generate().expect("a P-256 key").serialize_der();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key, &random);
        Self {
            issuer: issuer.to_owned(),
            key: key.expect("the key just made"),
            random,
        }
    }

    /// The service account's token with this audience, in the last seconds of its hour.
    #[must_use]
    pub fn token(&self, audience: &str, ends_in: i64) -> String {
        let end = now() + ends_in;
        let claims = json!({
            "iss": self.issuer, "aud": [audience], "sub": SUBJECT,
            "iat": end - 3600, "nbf": end - 3600, "exp": end,
            "kubernetes.io": {"namespace": "shop", "serviceaccount": {"name": "puller"}},
        });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = json!({"alg": "ES256", "typ": "JWT", "kid": "cluster-key"});
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = self.key.sign(&self.random, signed.as_bytes());
        let signature = signature.expect("the system's random numbers");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The subject of a good token for one of these audiences.
    pub(super) fn subject(&self, token: &str, audiences: &[&str]) -> Result<String, String> {
        let jwt = Jwt::parse(token).ok_or("Unable to parse the ID Token.")?;
        if jwt.text("iss") != self.issuer {
            return Err(format!(
                "The issuer in ID Token {} does not match the expected ones: {}.",
                jwt.text("iss"),
                self.issuer
            ));
        }
        let key = self.key.public_key().as_ref();
        if !jwt.is_signed_by("ES256", &ECDSA_P256_SHA256_FIXED, key) {
            return Err("Invalid ID Token: its signature is not the issuer's.".to_owned());
        }
        let meant = |audience: &Value| audiences.iter().any(|known| audience == known);
        let audience = &jwt.claims["aud"];
        if !(meant(audience) || audience.as_array().is_some_and(|all| all.iter().any(meant))) {
            return Err(format!(
                "The audience in ID Token {audience} does not match the expected audience {}.",
                audiences.join(" or ")
            ));
        }
        if jwt.time("exp") <= now() || jwt.time("iat") > now() {
            let issued = jwt.time("iat");
            return Err(format!("ID Token issued at {issued} is stale to sign-in."));
        }
        Ok(jwt.text("sub").to_owned())
    }
}

pub(super) const SUBJECT: &str = "system:serviceaccount:shop:puller";
