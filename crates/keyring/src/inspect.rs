//! Why a key of a keyring does or does not serve an image, for people. Never shows a password.

use std::fmt;
use std::sync::Arc;

use regcred_core::ImagePattern;
use secrecy::ExposeSecret as _;

use crate::keyring::{DEFAULT_REGISTRY, Entry, Key};
use crate::{Ipv6Literals, Keyring, RejectedKey, Source};

/// A keyring as a lookup for one image sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// Every key, in the order of the lookup.
    pub keys: Vec<InspectedKey>,
    /// Entries without a key, because their server is no URL.
    pub rejected: Vec<RejectedKey>,
}

/// One key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InspectedKey {
    /// Host and path that are compared.
    pub key: String,
    /// Whether its logins are used for the image, or why not.
    pub verdict: Verdict,
    /// Its logins, in order.
    pub entries: Vec<InspectedEntry>,
}

/// One login, without its password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InspectedEntry {
    /// The server as written.
    pub server: String,
    /// Where it comes from.
    pub source: Arc<Source>,
    /// User name.
    pub username: String,
    /// What people should know of it.
    pub notes: Vec<String>,
}

/// Whether a key serves an image. Displays as a fragment of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It matches.
    Matched,
    /// It does not match, but it has Docker Hub's logins, which serve this image because no key
    /// matches.
    DefaultRegistry,
    /// It has Docker Hub's logins, which do not serve this image because another key matches.
    DefaultRegistryNotNeeded,
    /// The ports differ as texts; an absent one is empty.
    Port {
        /// The key's.
        key: String,
        /// The image's.
        image: String,
    },
    /// The hosts have different numbers of labels.
    LabelCount {
        /// The key's.
        key: usize,
        /// The image's.
        image: usize,
    },
    /// A label does not match.
    Label {
        /// Its place, from 1.
        number: usize,
        /// The key's label.
        key: String,
        /// The image's label.
        image: String,
    },
    /// The key's path is not a prefix of the image's.
    Path {
        /// The key's.
        key: String,
        /// The image's.
        image: String,
    },
    /// The key has an IPv6 literal without a port, which the kubelet reads as a glob.
    IpLiteral,
    /// The key cannot be read as a URL any more once its escapes are resolved.
    Unreadable(String),
    /// The image's name cannot be compared with any key.
    NotAnImage,
}

impl Keyring {
    /// Every key with the reason why it is or is not used for an image.
    #[must_use]
    pub fn inspect(&self, image: &str) -> Inspection {
        let parsed = ImagePattern::parse(image).ok();
        let mut keys: Vec<_> = self
            .keys()
            .map(|(name, key)| InspectedKey {
                key: name.clone(),
                verdict: self.verdict(key, parsed.as_ref()),
                entries: key.entries.iter().map(InspectedEntry::of).collect(),
            })
            .collect();
        let any = keys.iter().any(InspectedKey::is_used);
        if self.is_default_registry(image) {
            let hub = keys.iter_mut().find(|key| key.key == DEFAULT_REGISTRY);
            if let Some(hub) = hub.filter(|hub| !hub.is_used()) {
                hub.verdict = match any {
                    true => Verdict::DefaultRegistryNotNeeded,
                    false => Verdict::DefaultRegistry,
                };
            }
        }
        Inspection {
            keys,
            rejected: self.rejected().to_vec(),
        }
    }
}

impl Keyring {
    fn verdict(&self, key: &Key, image: Option<&ImagePattern>) -> Verdict {
        match (&key.pattern, image) {
            (Err(error), _) => Verdict::Unreadable(error.to_string()),
            (_, None) => Verdict::NotAnImage,
            (Ok(pattern), Some(image)) => verdict(pattern, image, self.ipv6()),
        }
    }
}

impl InspectedKey {
    /// Whether a lookup gives its logins.
    #[must_use]
    pub fn is_used(&self) -> bool {
        matches!(self.verdict, Verdict::Matched | Verdict::DefaultRegistry)
    }
}

impl InspectedEntry {
    fn of(entry: &Entry) -> Self {
        let Entry {
            server,
            credentials,
            source,
            notes,
        } = entry;
        let mut notes = notes.clone();
        let no_password = credentials.password.expose_secret().is_empty();
        match (credentials.username.is_empty(), no_password) {
            (true, true) => notes.push("user name and password are empty".to_owned()),
            (true, false) => notes.push("the user name is empty".to_owned()),
            (false, true) => notes.push("the password is empty".to_owned()),
            (false, false) => {}
        }
        Self {
            server: server.clone(),
            source: Arc::clone(source),
            username: credentials.username.clone(),
            notes,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_none = |port: &str| match port {
            "" => "none".to_owned(),
            port => format!("`{port}`"),
        };
        match self {
            Self::Matched => f.write_str("matches"),
            Self::DefaultRegistry => {
                f.write_str("serves as the default registry, since no key matches")
            }
            Self::DefaultRegistryNotNeeded => {
                f.write_str("serves as the default registry only when no other key matches")
            }
            Self::Port { key, image } => {
                let (key, image) = (or_none(key), or_none(image));
                write!(f, "the port differs: {key}, the image has {image}")
            }
            Self::LabelCount { key, image } => {
                write!(
                    f,
                    "the number of host labels differs: {key}, the image has {image}"
                )
            }
            Self::Label { number, key, image } => {
                write!(f, "host label {number} `{key}` does not match `{image}`")
            }
            Self::Path { key, image } => {
                write!(f, "the path `{key}` is not a prefix of `{image}`")
            }
            Self::IpLiteral => f.write_str(
                "an IPv6 literal without a port matches nothing: the kubelet takes its brackets for \
                 a glob",
            ),
            Self::Unreadable(why) => f.write_str(why),
            Self::NotAnImage => f.write_str("the image name is no host with a path"),
        }
    }
}

/// The first difference from the left. The kubelet looks at the path before the labels, but a reader
/// who sees another host does not care about the path.
fn verdict(pattern: &ImagePattern, parsed: &ImagePattern, ipv6: Ipv6Literals) -> Verdict {
    if pattern.matches_parsed(parsed) {
        return Verdict::Matched;
    }
    if ipv6 == Ipv6Literals::Kubelet && pattern.is_bare_ip_literal() {
        return Verdict::IpLiteral;
    }
    let (key_port, image_port) = (pattern.port(), parsed.port());
    if key_port != image_port {
        return Verdict::Port {
            key: key_port.to_owned(),
            image: image_port.to_owned(),
        };
    }
    let (labels, image_labels) = (pattern.labels(), parsed.labels());
    if labels.len() != image_labels.len() {
        return Verdict::LabelCount {
            key: labels.len(),
            image: image_labels.len(),
        };
    }
    for (index, (label, image_label)) in labels.iter().zip(image_labels).enumerate() {
        if !pattern.label_matches(label, image_label) {
            return Verdict::Label {
                number: index + 1,
                key: label.clone(),
                image: image_label.clone(),
            };
        }
    }
    Verdict::Path {
        key: pattern.path().to_owned(),
        image: parsed.path().to_owned(),
    }
}

#[cfg(test)]
mod tests;
