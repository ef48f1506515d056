//! A cluster's issuer: service account tokens as an API server signs them, and what a server that trusts
//! the issuer checks of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::KeyPair;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
    UnparsedPublicKey,
};
use serde_json::{Value, json};

use crate::server::lock;

/// A cluster. Clones are the same.
#[derive(Clone)]
pub struct Cluster(Arc<Issuer>);

struct Issuer {
    key: EcdsaKeyPair,
    /// Each token's id with the audience of the server that it was shown to first.
    shown: Mutex<HashMap<String, String>>,
    count: Mutex<u64>,
}

/// A service account.
#[derive(Clone, Debug)]
pub struct Account {
    namespace: String,
    name: String,
    uid: String,
}

impl Account {
    /// The account of this name, with a UID that is made from it.
    #[must_use]
    pub fn new(namespace: &str, name: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            uid: format!("uid-{namespace}-{name}"),
        }
    }

    /// Another account of the same name, made after this one was deleted.
    #[must_use]
    pub fn recreated(&self) -> Self {
        Self {
            uid: format!("{}-again", self.uid),
            ..self.clone()
        }
    }

    /// The subject of its tokens.
    #[must_use]
    pub fn subject(&self) -> String {
        format!("system:serviceaccount:{}:{}", self.namespace, self.name)
    }
}

impl Cluster {
    /// A cluster with a key of its own.
    ///
    /// # Panics
    /// When no key can be made.
    #[must_use]
    pub fn new() -> Self {
        let pair = KeyPair::generate().expect("a P-256 key");
        let key = EcdsaKeyPair::from_pkcs8(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            &pair.serialize_der(),
            &SystemRandom::new(),
        );
        Self(Arc::new(Issuer {
            key: key.expect("the key just made"),
            shown: Mutex::default(),
            count: Mutex::default(),
        }))
    }

    /// A token for one audience that ends in so many seconds.
    #[must_use]
    pub fn token(&self, account: &Account, audience: &str, ends_in: i64) -> String {
        self.token_for(account, &[audience], ends_in)
    }

    /// A token for several audiences.
    ///
    /// # Panics
    /// When the system has no random numbers.
    #[must_use]
    pub fn token_for(&self, account: &Account, audiences: &[&str], ends_in: i64) -> String {
        let mut count = lock(&self.0.count);
        *count += 1;
        let now = now();
        let claims = json!({
            "iss": ISSUER, "sub": account.subject(), "aud": audiences, "jti": count.to_string(),
            "iat": now + ends_in - 3600, "nbf": now + ends_in - 3600, "exp": now + ends_in,
            "kubernetes.io": {
                "namespace": account.namespace,
                "serviceaccount": {"name": account.name, "uid": account.uid},
            },
        });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = json!({"alg": "ES256", "kid": "cluster"});
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = self.0.key.sign(&SystemRandom::new(), signed.as_bytes());
        let signature = signature.expect("the system's random numbers");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The token's subject, for a server with this audience.
    ///
    /// # Errors
    /// When the token is not of this cluster, for another audience, expired, or was shown to another
    /// server before.
    pub fn verify(&self, token: &str, audience: &str) -> Result<String, &'static str> {
        let malformed = "the token is malformed";
        let (signed, signature) = token.rsplit_once('.').ok_or(malformed)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed)?;
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.0.key.public_key());
        let verified = key.verify(signed.as_bytes(), &signature);
        verified.map_err(|_| "the signature is not the issuer's")?;
        let (_, claims) = signed.split_once('.').ok_or(malformed)?;
        let claims = URL_SAFE_NO_PAD.decode(claims).map_err(|_| malformed)?;
        let claims: Value = serde_json::from_slice(&claims).map_err(|_| malformed)?;
        if claims["iss"] != ISSUER {
            return Err("the issuer is not trusted");
        }
        if claims["exp"].as_i64().unwrap_or_default() <= now() {
            return Err("the token has expired");
        }
        let id = claims["jti"].as_str().unwrap_or_default().to_owned();
        let mut shown = lock(&self.0.shown);
        let first = shown.entry(id).or_insert_with(|| audience.to_owned());
        if first != audience {
            return Err("the token was shown to another server");
        }
        if claims["aud"] != json!([audience]) {
            return Err("the audience is another server's");
        }
        Ok(claims["sub"].as_str().unwrap_or_default().to_owned())
    }
}

impl Default for Cluster {
    fn default() -> Self {
        Self::new()
    }
}

#[expect(clippy::disallowed_methods, reason = "tokens end by the real clock")]
pub(super) fn now() -> i64 {
    chrono::Utc::now().timestamp()
}

const ISSUER: &str = "https://cluster.test";
