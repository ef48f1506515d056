//! Why a key of a keyring does or does not serve an image, for people. Never shows a password.

use std::sync::Arc;

use regcred_core::{ImagePattern, SecretText as _};
use serde::Serialize;
use serde::ser::{SerializeStruct as _, Serializer};

use crate::credential_source::{CredentialSource, label};
use crate::key;
use crate::keyring::{DEFAULT_REGISTRY, Entry, Keyring};
use crate::verdict::Verdict;

/// One key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InspectedKey {
    /// Host and path that are compared; the server without a login where it has no key, because Go
    /// refuses it as a URL.
    pub key: String,
    /// Whether its logins are used for the image, or why not.
    pub verdict: Verdict,
    /// Its logins, in order.
    pub entries: Vec<InspectedEntry>,
}

/// One login, without its password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InspectedEntry {
    /// Where it comes from.
    #[serde(serialize_with = "label")]
    pub source: Arc<CredentialSource>,
    /// The server as written, without a login in front of its host.
    pub server: String,
    /// User name.
    pub username: String,
    /// Oddities of the login.
    pub notes: Vec<String>,
}

impl Keyring {
    /// Every key, in the order of a look-up, with the reason why it is or is not used for an image;
    /// then the servers without a key.
    #[must_use]
    pub fn inspect(&self, image: &str) -> Vec<InspectedKey> {
        let parsed = ImagePattern::parse(image).ok();
        let mut keys: Vec<_> = self
            .keys()
            .map(|(name, key)| InspectedKey {
                key: name.clone(),
                verdict: Verdict::of_parsed(key.pattern.as_ref(), parsed.as_ref(), self.rules()),
                entries: key.entries.iter().map(InspectedEntry::of).collect(),
            })
            .collect();
        let any = keys.iter().any(InspectedKey::is_used);
        if self.is_default_registry(image) {
            for key in keys.iter_mut().filter(|key| !key.is_used()) {
                if means_docker_hub(&key.key) {
                    key.verdict = Verdict::NotDockerHub;
                }
            }
            let hub = keys.iter_mut().find(|key| key.key == DEFAULT_REGISTRY);
            if let Some(hub) = hub.filter(|hub| !hub.is_used()) {
                hub.verdict = if any {
                    Verdict::DefaultRegistryNotNeeded
                } else {
                    Verdict::DefaultRegistry
                };
            }
        }
        keys.extend(self.rejected().iter().map(|rejected| InspectedKey {
            key: key::without_login(&rejected.server).to_owned(),
            verdict: Verdict::Unreadable {
                error: rejected.error.reason().to_owned(),
            },
            entries: Vec::new(),
        }));
        keys
    }
}

/// Whether a person meant Docker Hub by a key under which the kubelet does not look for its logins.
fn means_docker_hub(key: &str) -> bool {
    let host = key.split(['/', ':']).next().unwrap_or_default();
    [
        "docker.com",
        "hub.docker.com",
        "registry.hub.docker.com",
        "www.docker.com",
    ]
    .contains(&host)
        || host.ends_with(".docker.io")
}

impl InspectedKey {
    /// Whether a look-up returns its logins.
    #[must_use]
    pub fn is_used(&self) -> bool {
        matches!(self.verdict, Verdict::Matched | Verdict::DefaultRegistry)
    }
}

impl Serialize for InspectedKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut key = serializer.serialize_struct("InspectedKey", 5)?;
        key.serialize_field("key", &self.key)?;
        key.serialize_field("used", &self.is_used())?;
        key.serialize_field("verdict", &self.verdict.to_string())?;
        key.serialize_field("reason", &self.verdict)?;
        key.serialize_field("logins", &self.entries)?;
        key.end()
    }
}

impl InspectedEntry {
    fn of(entry: &Entry) -> Self {
        let login = &entry.credentials;
        let mut notes = entry.notes.clone();
        let no_password = login.password.is_empty();
        match (login.username.is_empty(), no_password) {
            (true, true) => notes.push("user name and password are empty".to_owned()),
            (true, false) => notes.push("the user name is empty".to_owned()),
            (false, true) => notes.push("the password is empty".to_owned()),
            (false, false) => {}
        }
        notes.extend(login.oddities());
        Self {
            server: key::without_login(&entry.server).to_owned(),
            source: Arc::clone(&entry.source),
            username: login.username.clone(),
            notes,
        }
    }
}

#[cfg(test)]
mod tests;
