//! Why a `matchImages` pattern does or does not match an image, and what is dubious about it, in
//! words for people.

use regcred_core::ImagePattern;
use regcred_keyring::{Ipv6Literals, Verdict};

/// Whether the pattern matches a normalised image name, or the first part that does not, in the
/// order of the kubelet's test.
#[must_use]
pub fn verdict(pattern: &str, image: &str, ipv6: Ipv6Literals) -> Verdict {
    let parsed = match ImagePattern::parse(pattern) {
        Ok(parsed) => ipv6.read(parsed),
        Err(error) => return Verdict::Unreadable(error.to_string()),
    };
    let Ok(name) = ImagePattern::parse(image) else {
        return Verdict::NotAnImage;
    };
    if parsed.matches_parsed(&name) {
        return Verdict::Matched;
    }
    if ipv6 == Ipv6Literals::Kubelet && parsed.is_bare_ip_literal() {
        return Verdict::IpLiteral;
    }
    let ports = (parsed.port(), name.port());
    if ports.0 != ports.1 {
        return Verdict::Port {
            key: ports.0.to_owned(),
            image: ports.1.to_owned(),
        };
    }
    let (labels, image_labels) = (parsed.labels(), name.labels());
    if labels.len() != image_labels.len() {
        return Verdict::LabelCount {
            key: labels.len(),
            image: image_labels.len(),
        };
    }
    let mut pairs = labels.iter().zip(image_labels).enumerate();
    let differs = pairs.find(|(_, (label, other))| !parsed.label_matches(label, other));
    match differs {
        Some((index, (label, other))) if name.path().starts_with(parsed.path()) => Verdict::Label {
            number: index + 1,
            key: label.clone(),
            image: other.clone(),
        },
        _ => Verdict::Path {
            key: parsed.path().to_owned(),
            image: name.path().to_owned(),
        },
    }
}

/// What a kubelet accepts in a pattern without a word, and what mostly means that the pattern
/// matches less than its author thinks. One sentence each; empty for a pattern beyond doubt.
#[must_use]
pub fn warnings(pattern: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut warn = |when: bool, text: &str| {
        if when {
            found.push(text.to_owned());
        }
    };
    let scheme = pattern.contains("://");
    warn(
        scheme,
        "a pattern has no scheme; with one it matches nothing",
    );
    warn(
        pattern.contains(['?', '#']),
        "everything from `?` or `#` on is ignored",
    );
    let plain = pattern.split(['?', '#']).next().unwrap_or_default();
    let (host, path) = match plain.find('/').filter(|_| !scheme) {
        Some(at) => plain.split_at(at),
        None => (plain, ""),
    };
    warn(host.is_empty(), "an empty host matches nothing");
    warn(
        host == "*",
        "`*` alone matches only hosts of one label, such as localhost",
    );
    warn(
        host.bytes().any(|b| b.is_ascii_uppercase()),
        "upper case in the host matches only images written in upper case",
    );
    warn(
        path.bytes().any(|b| b.is_ascii_uppercase()),
        "image paths have no upper case",
    );
    warn(
        path.contains('*'),
        "`*` in a path is a plain character, which no image has",
    );
    warn(
        path.len() > 1 && path.ends_with('/'),
        "with a final `/` only what lies below the path matches",
    );
    warn(
        path.contains([':', '@']),
        "images are compared without tag and digest",
    );
    let bare = ImagePattern::parse(plain).is_ok_and(|parsed| parsed.is_bare_ip_literal());
    warn(
        bare,
        "an IPv6 literal without a port matches nothing: the kubelet takes its brackets for a glob",
    );
    warn(
        HUB_ALIASES.contains(&host),
        "images of Docker Hub are asked for under docker.io",
    );
    found
}

const HUB_ALIASES: [&str; 3] = [
    "index.docker.io",
    "registry-1.docker.io",
    "registry.hub.docker.com",
];

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
                verdict(pattern, image, Ipv6Literals::Kubelet).to_string(),
                text,
                "{pattern} {image}"
            );
        }
    }

    #[test]
    fn dubious_patterns_are_warned_of() {
        for (pattern, part) in [
            ("https://h.io", "no scheme"),
            ("h.io?x", "ignored"),
            ("", "empty host"),
            ("*", "one label"),
            ("*/team", "one label"),
            ("H.io", "upper case in the host"),
            ("h.io/App", "no upper case"),
            ("*.registry.io/*", "plain character"),
            ("h.io/team/", "final `/`"),
            ("h.io/app:v1", "without tag"),
            ("index.docker.io", "docker.io"),
            ("[fe80::1]/team", "takes its brackets for a glob"),
        ] {
            let found = warnings(pattern);
            assert!(
                matches!(&found[..], [one] if one.contains(part)),
                "{pattern}: {found:?}"
            );
        }
        for pattern in [
            "h.io",
            "*.dkr.ecr.*.amazonaws.com",
            "h.io:8080/path",
            "h.io/",
        ] {
            assert_eq!(warnings(pattern), Vec::<String>::new(), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn a_verdict_agrees_with_the_match(
            pattern in "[a-b*]{1,2}(\\.[a-b*]{1,2}){0,2}(:[0-1])?(/[a-b]{0,2}){0,2}",
            image in "[a-b]{1,2}(\\.[a-b]{1,2}){0,2}(:[0-1])?(/[a-b]{1,2}){1,2}",
        ) {
            let matched = ImagePattern::parse(&pattern).expect("sound").matches(&image);
            prop_assert_eq!(verdict(&pattern, &image, Ipv6Literals::Kubelet) == Verdict::Matched, matched);
        }

        #[test]
        fn no_text_makes_it_panic(pattern in "\\PC{0,40}", image in "\\PC{0,40}") {
            let _ = verdict(&pattern, &image, Ipv6Literals::Literal);
            let _ = warnings(&pattern);
        }
    }
}
