//! What Entra ID knows and has issued.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde_json::{Value, json};

use super::{ARM_AUDIENCE, REGISTRY_AUDIENCE, TENANT, now};
use crate::cloud::Trouble;
use crate::seeded::Seeded;
use crate::server::lock;

/// The directory that Entra ID, the metadata service and the registry share. Clones are the same.
#[derive(Clone)]
pub struct Directory(Arc<Mutex<State>>);

/// An access token that was issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// For whom: `secret`, `certificate`, `workload`, `pod`, `bound`, `system`, `user`.
    pub owner: &'static str,
    /// For which service.
    pub audience: String,
}

struct State {
    random: Seeded,
    issued: HashMap<String, Granted>,
    /// Services that the cloud knows.
    audiences: Vec<&'static str>,
    /// Ids of assertions that were shown.
    shown: HashSet<String>,
    trouble: Option<Trouble>,
}

impl Directory {
    /// A directory that knows the registries' audience and the resource manager's.
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            random: Seeded::new(0xacc),
            issued: HashMap::new(),
            audiences: vec![REGISTRY_AUDIENCE, ARM_AUDIENCE],
            shown: HashSet::new(),
            trouble: None,
        })))
    }

    /// From now on the cloud knows the resource manager's audience only.
    pub fn forget_registries(&self) {
        lock(&self.0).audiences = vec![ARM_AUDIENCE];
    }

    /// From now on it goes wrong so.
    pub fn trouble(&self, trouble: Trouble) {
        lock(&self.0).trouble = Some(trouble);
    }

    /// How it goes wrong.
    pub(super) fn present_trouble(&self) -> Option<Trouble> {
        lock(&self.0).trouble
    }

    /// The token's owner and audience; `None` for one that was not issued here.
    #[must_use]
    pub fn granted(&self, token: &str) -> Option<Granted> {
        lock(&self.0).issued.get(token).cloned()
    }

    /// Every token issued so far.
    #[must_use]
    pub fn tokens(&self) -> Vec<String> {
        lock(&self.0).issued.keys().cloned().collect()
    }

    /// Whether the cloud knows that audience.
    pub(super) fn knows(&self, audience: &str) -> bool {
        lock(&self.0).audiences.contains(&audience)
    }

    /// Whether an assertion with this id comes for the first time.
    pub(super) fn is_first(&self, id: &str) -> bool {
        lock(&self.0).shown.insert(id.to_owned())
    }

    /// A new access token, as Entra ID's tokens look.
    pub(super) fn issue(&self, owner: &'static str, audience: &str) -> String {
        let mut state = lock(&self.0);
        let claims = json!({
            "aud": audience, "iss": format!("https://sts.windows.net/{TENANT}/"), "tid": TENANT,
            "iat": now(), "nbf": now(), "exp": now() + 3599, "uti": state.random.word(22),
        });
        let token = jwt(&claims, b"Entra ID's signing key");
        let audience = audience.to_owned();
        state
            .issued
            .insert(token.clone(), Granted { owner, audience });
        token
    }

    /// Letters and digits that cannot be guessed.
    pub(super) fn word(&self, length: usize) -> String {
        lock(&self.0).random.word(length)
    }
}

/// A token whose signature only the fakes can check.
pub(super) fn jwt(claims: &Value, key: &[u8]) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({"alg": "HS256", "typ": "JWT"});
    let signed = format!("{}.{}", part(&header), part(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let signature = hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}
