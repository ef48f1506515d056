//! A Kubernetes cluster whose service account tokens Entra ID is told to trust.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
    UnparsedPublicKey,
};
use serde_json::{Value, json};
use std::sync::LazyLock;

use super::now;

/// A token of `system:serviceaccount:shop:puller` as the cluster projects it into a pod: audience,
/// and seconds from now to its end.
///
/// # Panics
/// When the system gives no randomness.
#[must_use]
pub fn service_account_token(audience: &str, ends_in: i64) -> String {
    let header = json!({"alg": "ES256", "kid": KEY_ID});
    let claims = json!({
        "iss": ISSUER, "sub": SUBJECT, "aud": [audience],
        "iat": now() + ends_in - 3600, "exp": now() + ends_in,
    });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(&claims));
    let signature = KEY.sign(&SystemRandom::new(), signed.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(signature.expect("randomness"));
    format!("{signed}.{signature}")
}

/// The claims of a token that one of the cluster's keys has signed.
pub(super) fn verified(header: &Value, signed: &str, signature: &[u8]) -> bool {
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, KEY.public_key().as_ref());
    header["alg"] == "ES256"
        && header["kid"] == KEY_ID
        && key.verify(signed.as_bytes(), signature).is_ok()
}

static KEY: LazyLock<EcdsaKeyPair> = LazyLock::new(|| {
    let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
    let key = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("randomness");
    EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &random).expect("the key just made")
});

pub(super) const ISSUER: &str = "https://oidc.cluster.test/";
pub(super) const SUBJECT: &str = "system:serviceaccount:shop:puller";
const KEY_ID: &str = "cluster-key-1";
/// The audience of tokens for Entra ID.
pub const FEDERATION_AUDIENCE: &str = "api://AzureADTokenExchange";
/// The audience of tokens for AKS identity bindings.
pub const BINDINGS_AUDIENCE: &str = "api://AKSIdentityBinding";
