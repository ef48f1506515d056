//! Whether a pattern matches an image, or the first part that does not.

use std::fmt;

use regcred_core::{ImagePattern, UrlError};
use serde::Serialize;

use crate::rules::KeyringRules;

/// Whether a key or a `matchImages` pattern matches an image, or why not. Displays as a fragment of
/// a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
#[non_exhaustive]
pub enum Verdict {
    /// It matches.
    Matched,
    /// It does not match, but it has Docker Hub's logins, which serve this image because no key
    /// matches.
    DefaultRegistry,
    /// It has Docker Hub's logins, which do not serve this image because another key matches.
    DefaultRegistryNotNeeded,
    /// It names a host of Docker Hub under which the kubelet does not look up Docker Hub's logins.
    NotDockerHub,
    /// The ports differ as texts; an absent one is empty.
    Port {
        /// The pattern's.
        key: String,
        /// The image's.
        image: String,
    },
    /// The hosts have different numbers of labels.
    LabelCount {
        /// The pattern's.
        key: usize,
        /// The image's.
        image: usize,
    },
    /// A label does not match.
    Label {
        /// Its place, from 1.
        number: usize,
        /// The pattern's label.
        key: String,
        /// The image's label.
        image: String,
    },
    /// The pattern's path is not a prefix of the image's.
    Path {
        /// The pattern's.
        key: String,
        /// The image's.
        image: String,
    },
    /// The host is an IPv6 literal without a port, which the kubelet reads as a glob.
    IpLiteral,
    /// Go refuses it as a URL, possibly only after its escapes are resolved.
    Unreadable {
        /// Go's sentence.
        error: String,
    },
    /// The image name cannot be compared with any pattern.
    NotAnImage,
}

impl Verdict {
    /// Compares a pattern with a normalised image name.
    #[must_use]
    pub fn of(pattern: &str, image: &str, rules: KeyringRules) -> Self {
        let pattern = ImagePattern::parse(pattern).map(|pattern| rules.read(pattern));
        let image = ImagePattern::parse(image).ok();
        Self::of_parsed(pattern.as_ref(), image.as_ref(), rules)
    }

    /// The first difference from the left. The kubelet looks at the path before the labels, but the
    /// path of another host does not matter to a reader.
    pub(crate) fn of_parsed(
        pattern: Result<&ImagePattern, &UrlError>,
        image: Option<&ImagePattern>,
        rules: KeyringRules,
    ) -> Self {
        let pattern = match pattern {
            Ok(pattern) => pattern,
            Err(error) => {
                let error = error.to_string();
                return Self::Unreadable { error };
            }
        };
        let Some(image) = image else {
            return Self::NotAnImage;
        };
        if pattern.matches_parsed(image) {
            return Self::Matched;
        }
        if !rules.literal_ipv6 && pattern.is_bare_ip_literal() {
            return Self::IpLiteral;
        }
        let own = |text: &str| text.to_owned();
        if pattern.port() != image.port() {
            return Self::Port {
                key: own(pattern.port()),
                image: own(image.port()),
            };
        }
        let (labels, image_labels) = (pattern.labels(), image.labels());
        if labels.len() != image_labels.len() {
            return Self::LabelCount {
                key: labels.len(),
                image: image_labels.len(),
            };
        }
        let mut pairs = labels.iter().zip(image_labels).enumerate();
        let differs = pairs.find(|(_, (label, other))| !pattern.label_matches(label, other));
        match differs {
            Some((index, (label, other))) => Self::Label {
                number: index + 1,
                key: label.clone(),
                image: other.clone(),
            },
            None => Self::Path {
                key: own(pattern.path()),
                image: own(image.path()),
            },
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
            Self::NotDockerHub => f.write_str(
                "not a key for Docker Hub: that is docker.io, or https://index.docker.io/v1/ with \
                 its last slash",
            ),
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
            Self::Unreadable { error } => f.write_str(error),
            Self::NotAnImage => f.write_str("the image name is not of the form HOST/PATH"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_difference_is_named() {
        for (pattern, image, text) in [
            ("*.gcr.io", "eu.gcr.io/p/a", "matches"),
            (
                "h.io",
                "h.io:5000/a",
                "the port differs: none, the image has `5000`",
            ),
            (
                "u@h.io:1",
                "h.io/a",
                "the port differs: `1`, the image has none",
            ),
            (
                "*.io",
                "eu.gcr.io/p/a",
                "the number of host labels differs: 2, the image has 3",
            ),
            (
                "*.gcr.io",
                "eu.ghcr.io/a",
                "host label 2 `gcr` does not match `ghcr`",
            ),
            (
                "gcr.io/*",
                "gcr.io/p/a",
                "the path `/*` is not a prefix of `/p/a`",
            ),
            (
                "gcr.io/q",
                "gcr.io/p/a",
                "the path `/q` is not a prefix of `/p/a`",
            ),
            ("[fe80::1]:5", "[fe80::1]:5/a", "matches"),
            (
                "[fe80::1]",
                "[fe80::1]/a",
                "an IPv6 literal without a port matches nothing: the kubelet takes its brackets \
                 for a glob",
            ),
            (
                "h.io:*",
                "h.io/a",
                "parse \"https://h.io:*\": invalid port \":*\" after host",
            ),
        ] {
            assert_eq!(
                Verdict::of(pattern, image, KeyringRules::default()).to_string(),
                text,
                "{pattern} {image}"
            );
        }
    }

    #[test]
    fn programs_read_the_difference_and_not_its_words() {
        let verdict = Verdict::of("h.io", "h.io:5000/a", KeyringRules::default());
        let json = serde_json::to_string(&verdict).expect("serializable");
        assert_eq!(json, r#"{"kind":"port","key":"","image":"5000"}"#);
    }

    proptest! {
        #[test]
        fn a_verdict_agrees_with_the_match(
            pattern in "[a-b*]{1,2}(\\.[a-b*]{1,2}){0,2}(:[0-1])?(/[a-b]{0,2}){0,2}",
            image in "[a-b]{1,2}(\\.[a-b]{1,2}){0,2}(:[0-1])?(/[a-b]{1,2}){1,2}",
        ) {
            let matched = ImagePattern::parse(&pattern).expect("sound").matches(&image);
            prop_assert_eq!(Verdict::of(&pattern, &image, KeyringRules::default()) == Verdict::Matched, matched);
        }

        #[test]
        fn no_text_makes_it_panic(pattern in "\\PC{0,40}", image in "\\PC{0,40}") {
            let rules = KeyringRules { literal_ipv6: true, ..KeyringRules::default() };
            let _ = Verdict::of(&pattern, &image, rules);
        }
    }
}
