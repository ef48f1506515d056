//! What is dubious about a `matchImages` pattern.

use regcred_core::ImagePattern;

/// What is dubious about a pattern, and how to write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PatternDoubt {
    /// Why the pattern matches less than it seems to.
    pub what: &'static str,
    /// What to write instead.
    pub fix: &'static str,
}

/// What a kubelet accepts in a pattern without a warning, although the pattern usually matches less
/// than its author expects; empty for a pattern beyond doubt.
#[must_use]
pub fn pattern_doubts(pattern: &str) -> Vec<PatternDoubt> {
    let has_scheme = pattern.contains("://");
    let plain = pattern.split(['?', '#']).next().unwrap_or_default();
    let (host, path) = match plain.find('/').filter(|_| !has_scheme) {
        Some(at) => plain.split_at(at),
        None => (plain, ""),
    };
    let has_upper_case = |text: &str| text.bytes().any(|b| b.is_ascii_uppercase());
    let parsed = ImagePattern::parse(plain);
    let doubts = [
        (
            has_scheme,
            "a pattern has no scheme; with one it matches nothing",
            "remove the scheme",
        ),
        (
            plain.len() < pattern.len(),
            "everything from `?` or `#` on is ignored",
            "remove it; `*` is the only glob",
        ),
        (
            host.is_empty(),
            "an empty host matches nothing",
            "begin with the registry's host",
        ),
        (
            host == "*",
            "`*` alone matches only hosts of one label, such as localhost",
            "write a label for each part of the host: `*.*.example.com`",
        ),
        (
            has_upper_case(host),
            "upper case in the host matches only images written in upper case",
            "write the host in lower case",
        ),
        (
            has_upper_case(path),
            "image paths have no upper case",
            "write the path in lower case",
        ),
        (
            path.contains('*'),
            "`*` in a path is a plain character, which no image has",
            "end the pattern before it: a path matches everything below it",
        ),
        (
            path.len() > 1 && path.ends_with('/'),
            "with a final `/` only what is below the path matches",
            "remove the final `/` unless that is meant",
        ),
        (
            path.contains([':', '@']),
            "images are compared without tag and digest",
            "remove tag and digest",
        ),
        (
            parsed.is_ok_and(|parsed| parsed.is_bare_ip_literal()),
            "an IPv6 literal without a port matches nothing: the kubelet takes its brackets for a glob",
            "add the port, or use a host name",
        ),
        (
            HUB_ALIASES.contains(&host),
            "images of Docker Hub are looked up as docker.io",
            "write docker.io",
        ),
    ];
    let found = doubts.into_iter().filter(|(applies, ..)| *applies);
    found
        .map(|(_, what, fix)| PatternDoubt { what, fix })
        .collect()
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
    fn dubious_patterns_have_a_warning() {
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
            let found = pattern_doubts(pattern);
            assert!(
                matches!(&found[..], [one] if one.what.contains(part)),
                "{pattern}: {found:?}"
            );
        }
        for pattern in [
            "h.io",
            "*.dkr.ecr.*.amazonaws.com",
            "h.io:8080/path",
            "h.io/",
        ] {
            assert_eq!(pattern_doubts(pattern), Vec::new(), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(pattern in "\\PC{0,40}") {
            let _ = pattern_doubts(&pattern);
        }
    }
}
