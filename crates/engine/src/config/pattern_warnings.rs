//! What is dubious about a `matchImages` pattern.

use regcred_core::ImagePattern;

/// What a kubelet accepts in a pattern without a warning, although the pattern usually matches less
/// than its author expects. One sentence each; empty for a pattern beyond doubt.
#[must_use]
pub fn pattern_warnings(pattern: &str) -> Vec<String> {
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
        ),
        (
            plain.len() < pattern.len(),
            "everything from `?` or `#` on is ignored",
        ),
        (host.is_empty(), "an empty host matches nothing"),
        (
            host == "*",
            "`*` alone matches only hosts of one label, such as localhost",
        ),
        (
            has_upper_case(host),
            "upper case in the host matches only images written in upper case",
        ),
        (has_upper_case(path), "image paths have no upper case"),
        (
            path.contains('*'),
            "`*` in a path is a plain character, which no image has",
        ),
        (
            path.len() > 1 && path.ends_with('/'),
            "with a final `/` only what is below the path matches",
        ),
        (
            path.contains([':', '@']),
            "images are compared without tag and digest",
        ),
        (
            parsed.is_ok_and(|parsed| parsed.is_bare_ip_literal()),
            "an IPv6 literal without a port matches nothing: the kubelet takes its brackets for a glob",
        ),
        (
            HUB_ALIASES.contains(&host),
            "images of Docker Hub are looked up as docker.io",
        ),
    ];
    let found = doubts.into_iter().filter(|(applies, _)| *applies);
    found.map(|(_, text)| text.to_owned()).collect()
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
            let found = pattern_warnings(pattern);
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
            assert_eq!(pattern_warnings(pattern), Vec::<String>::new(), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(pattern in "\\PC{0,40}") {
            let _ = pattern_warnings(&pattern);
        }
    }
}
