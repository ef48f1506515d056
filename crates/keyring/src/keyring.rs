//! One keyring: logins by key, found in the kubelet's order (kubernetes
//! `pkg/credentialprovider/keyring.go`, `BasicDockerKeyring`).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use regcred_core::{Credentials, ImagePattern, UrlError};

use crate::{CredentialSource, KeyringRules, PatternIndex, key};

/// Logins by key. A lookup returns all that match, in descending byte order of their keys, and under
/// one key in the order they were added.
#[derive(Clone, Debug, Default)]
pub struct Keyring {
    rules: KeyringRules,
    keys: BTreeMap<String, Key>,
    index: PatternIndex<String>,
    rejected: Vec<RejectedKey>,
}

/// A login to try for an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// User name and password. Both may be empty.
    pub credentials: Credentials,
    /// The entry's email address, which is a part of the hash in pull records; usually empty.
    pub email: String,
    /// Where it comes from.
    pub source: Arc<CredentialSource>,
    /// The key that matched.
    pub key: String,
}

/// An entry whose server is not a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedKey {
    /// The server as written.
    pub server: String,
    /// Where it comes from.
    pub source: Arc<CredentialSource>,
    /// Why Go refuses it.
    pub error: UrlError,
}

/// The server is shown without a login in front of its host.
impl fmt::Display for RejectedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = key::without_login(&self.server);
        let (source, why) = (&self.source, self.error.reason());
        write!(f, "{source}: entry {host:?} is left out: {why}")
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Key {
    /// The key, parsed as a URL again. If resolved escapes make it unreadable, it matches nothing.
    pub(crate) pattern: Result<ImagePattern, UrlError>,
    pub(crate) entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) server: String,
    pub(crate) credentials: Credentials,
    pub(crate) email: String,
    pub(crate) source: Arc<CredentialSource>,
    pub(crate) notes: Vec<String>,
}

impl Keyring {
    /// An empty keyring with the kubelet's rules.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty keyring with other rules.
    #[must_use]
    pub fn with_rules(rules: KeyringRules) -> Self {
        Self {
            rules,
            ..Self::default()
        }
    }

    /// Adds a login for a server: a host, a host with a path, or a URL. One that Go cannot parse is
    /// kept apart and never used.
    pub fn add(&mut self, server: &str, credentials: Credentials, source: &Arc<CredentialSource>) {
        self.add_entry(Entry {
            server: server.to_owned(),
            credentials,
            email: String::new(),
            source: Arc::clone(source),
            notes: Vec::new(),
        });
    }

    /// Adds several logins of one source, in order: the entries of a file or a plugin's answer.
    pub fn extend(
        &mut self,
        source: &Arc<CredentialSource>,
        logins: impl IntoIterator<Item = (String, Credentials)>,
    ) {
        for (server, credentials) in logins {
            self.add(&server, credentials, source);
        }
    }

    /// The logins to try for an image, given by its normalised name (`host[:port]/path` without tag
    /// and digest, see [`regcred_core::ImageRef::name`]). Any other text is allowed and usually
    /// finds nothing. Equal logins are not removed.
    #[must_use]
    pub fn lookup(&self, image: &str) -> Vec<Candidate> {
        self.find(image, self.is_default_registry(image))
    }

    /// As [`Keyring::lookup`], for a host that a configuration or a redirect names in place of the
    /// image's registry. Docker Hub's logins are for Docker Hub alone then: a host without dot and
    /// port is not a short name of it.
    #[must_use]
    pub fn lookup_at_host(&self, name: &str) -> Vec<Candidate> {
        self.find(name, name.starts_with("docker.io/"))
    }

    fn find(&self, image: &str, is_default_registry: bool) -> Vec<Candidate> {
        let mut found = self.matching(image);
        if found.is_empty() && is_default_registry {
            found.extend(self.keys.get_key_value(DEFAULT_REGISTRY));
        }
        candidates(found)
    }

    /// Every login, in the order of a look-up that all keys match.
    #[must_use]
    pub fn logins(&self) -> Vec<Candidate> {
        candidates(self.keys())
    }

    /// Entries whose server is not a URL, in the order they were added.
    #[must_use]
    pub fn rejected(&self) -> &[RejectedKey] {
        &self.rejected
    }

    /// Whether it has no login.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(crate) fn add_entry(&mut self, entry: Entry) {
        let key = match key::normalise(&entry.server) {
            Ok(key) => key,
            Err(error) => {
                let rejected = RejectedKey {
                    server: entry.server,
                    source: entry.source,
                    error,
                };
                tracing::warn!("{rejected}");
                self.rejected.push(rejected);
                return;
            }
        };
        if let Some(known) = self.keys.get_mut(&key) {
            known.entries.push(entry);
            return;
        }
        let pattern = ImagePattern::parse(&key).map(|pattern| self.rules.read(pattern));
        if let Ok(pattern) = &pattern {
            self.index.insert(pattern, key.clone());
        }
        let entries = vec![entry];
        self.keys.insert(key, Key { pattern, entries });
    }

    /// Keys in the order of a lookup.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (&String, &Key)> {
        self.keys.iter().rev()
    }

    /// Whether the logins for Docker Hub may serve an image that no key matches.
    pub(crate) fn is_default_registry(&self, image: &str) -> bool {
        match image.split_once('/') {
            None => !image.is_empty(),
            Some(("docker.io" | "index.docker.io", _)) => true,
            Some((host, _)) => {
                !self.rules.docker_hub_only && !host.is_empty() && !host.contains(['.', ':'])
            }
        }
    }

    pub(crate) fn rules(&self) -> KeyringRules {
        self.rules
    }

    fn matching(&self, image: &str) -> Vec<(&String, &Key)> {
        let Ok(parsed) = ImagePattern::parse(image) else {
            return Vec::new();
        };
        let found = self.index.find(&parsed).into_iter();
        let mut found: Vec<_> = found
            .filter_map(|key| self.keys.get_key_value(key))
            .collect();
        found.sort_unstable_by(|(a, _), (b, _)| b.cmp(a));
        found
    }
}

fn candidates<'a>(keys: impl IntoIterator<Item = (&'a String, &'a Key)>) -> Vec<Candidate> {
    let logins = keys.into_iter().flat_map(|(key, stored)| {
        stored.entries.iter().map(move |entry| Candidate {
            credentials: entry.credentials.clone(),
            email: entry.email.clone(),
            source: Arc::clone(&entry.source),
            key: key.clone(),
        })
    });
    logins.collect()
}

/// The key of Docker Hub's logins, from `https://index.docker.io/v1/`.
pub(crate) const DEFAULT_REGISTRY: &str = "index.docker.io";

#[cfg(test)]
mod tests;
