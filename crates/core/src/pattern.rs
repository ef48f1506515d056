//! The kubelet's image patterns: `matchImages`, keys of a plugin's `auth` and of docker
//! configuration files (kubernetes `pkg/credentialprovider/keyring.go`, `URLsMatch`).

use regcred_go::{GoUrl, UrlError, split_port};

use crate::glob::glob_matches;

/// A pattern such as `*.dkr.ecr.*.amazonaws.com` or `registry.io:8080/path`.
///
/// It matches when ports are equal as text, the number of dot-separated host labels is equal, each
/// label matches (`*` matches any run inside one label), and the pattern's path is a plain
/// string prefix of the image's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImagePattern {
    url: GoUrl,
    labels: Vec<String>,
    port: String,
    /// The host is an IPv6 literal without a port, and meant as such.
    literal: bool,
}

impl ImagePattern {
    /// Parses a pattern as Go's `url.Parse("https://" + pattern)` does. An empty pattern is legal
    /// and matches nothing.
    ///
    /// # Errors
    /// Go's sentence for a URL that it refuses.
    pub fn parse(pattern: &str) -> Result<Self, UrlError> {
        let url = GoUrl::parse(pattern)?;
        let (name, port) = split_port(&url.host);
        let labels = name.split('.').map(str::to_owned).collect();
        let (literal, port) = (name.starts_with('['), port.to_owned());
        Ok(Self {
            url,
            labels,
            port,
            literal,
        })
    }

    /// Whether the pattern matches a normalised image name (`host[:port]/path`, without tag and
    /// digest). A name that cannot be parsed matches nothing.
    #[must_use]
    pub fn matches(&self, image: &str) -> bool {
        Self::parse(image).is_ok_and(|image| self.matches_parsed(&image))
    }

    /// As [`ImagePattern::matches`], for an image name that was parsed once for many patterns.
    #[must_use]
    pub fn matches_parsed(&self, image: &Self) -> bool {
        let mut labels = self.labels.iter().zip(&image.labels);
        self.port == image.port
            && self.labels.len() == image.labels.len()
            && image.path().starts_with(self.path())
            && labels.all(|(glob, label)| self.label_matches(glob, label))
    }

    /// The same pattern as a kubelet reads it, which treats the brackets of an IPv6 literal without a
    /// port as a glob that matches one of the characters between them.
    #[must_use]
    pub fn with_brackets_as_glob(mut self) -> Self {
        self.literal = false;
        self
    }

    /// Whether a label of this pattern matches one of an image.
    #[must_use]
    pub fn label_matches(&self, label: &str, other: &str) -> bool {
        if self.is_glob(label) {
            glob_matches(label, other)
        } else {
            label == other
        }
    }

    /// Whether a label of this pattern can match other labels than itself.
    #[must_use]
    pub fn is_glob(&self, label: &str) -> bool {
        !self.literal && label.contains(['*', '['])
    }

    /// Host and port, percent-decoded; an IPv6 literal in its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.url.host
    }

    /// The port as written; empty without one.
    #[must_use]
    pub fn port(&self) -> &str {
        &self.port
    }

    /// Whether the host is an IPv6 literal without a port, such as `[fe80::1]/team`. A kubelet reads
    /// its brackets as a glob, which hardly ever matches; [`ImagePattern::matches`] reads it as an
    /// address, except after [`ImagePattern::with_brackets_as_glob`].
    #[must_use]
    pub fn is_bare_ip_literal(&self) -> bool {
        self.url.host.starts_with('[') && self.port.is_empty()
    }

    /// The pattern's path, percent-decoded, with its leading slash; often empty.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.url.path
    }

    /// The host's labels in order. An IPv6 literal is one label, without its brackets where a port
    /// follows; one that ends as an IPv4 address is several.
    #[must_use]
    pub fn labels(&self) -> &[String] {
        &self.labels
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn matching_follows_the_kubelet() {
        for (pattern, image, expected) in [
            ("gcr.io", "gcr.io/p/a", true),
            ("*.io", "gcr.io/p/a", true),
            ("*.io", "us.gcr.io/p/a", false),
            ("*", "localhost/x", true),
            ("*", "gcr.io/x", false),
            (
                "*.dkr.ecr.*.amazonaws.com",
                "1.dkr.ecr.us-east-1.amazonaws.com/a",
                true,
            ),
            (
                "*.dkr.ecr.*.amazonaws.com",
                "1.dkr.ecr.cn-north-1.amazonaws.com.cn/a",
                false,
            ),
            ("h.io:8080", "h.io:8080/x", true),
            ("h.io:08080", "h.io:8080/x", false),
            ("h.io:443", "h.io/x", false),
            ("h.io:", "h.io/x", true),
            ("h.io/foo", "h.io/foobar", true),
            ("h.io/foo/", "h.io/foobar", false),
            ("h.io/*", "h.io/foo", false),
            ("h.io/*", "h.io/*", true),
            ("H.io", "h.io/x", false),
            ("https://h.io", "h.io/x", false),
            ("h.io?x", "h.io/a", true),
            ("h.io#x", "h.io/a", true),
            ("u:p@h.io", "h.io/a", true),
            ("a*b**c.io", "axxbc.io/a", true),
            ("a*b**c.io", "axxb.io/a", false),
            ("h.io/a%62", "h.io/ab", true),
            ("[fe80::1]:5000", "[fe80::1]:5000/x", true),
            ("[fe80::1]", "[fe80::1]/x", true),
            ("", "h.io/x", false),
        ] {
            let parsed = ImagePattern::parse(pattern).expect(pattern);
            assert_eq!(parsed.matches(image), expected, "{pattern} {image}");
        }
    }

    #[test]
    fn ports_and_bare_literals_are_recognised() {
        for (pattern, port, bare) in [
            ("h.io/a:b", "", false),
            ("h.io:080/a", "080", false),
            ("u:p@h.io:1", "1", false),
            ("[fe80::1]/a", "", true),
            ("[fe80::1]:", "", true),
            ("[fe80::1]:5", "5", false),
        ] {
            let parsed = ImagePattern::parse(pattern).expect(pattern);
            let found = (parsed.port(), parsed.is_bare_ip_literal());
            assert_eq!(found, (port, bare), "{pattern}");
        }
    }

    #[test]
    fn refused_patterns_carry_gos_sentence() {
        for (pattern, text) in [
            (
                "h.io:*",
                "parse \"https://h.io:*\": invalid port \":*\" after host",
            ),
            (
                "a b",
                "parse \"https://a b\": invalid character \" \" in host name",
            ),
            (
                "h{}.io",
                "parse \"https://h{}.io\": invalid character \"{\" in host name",
            ),
            (
                "h.io/%zz",
                "parse \"https://h.io/%zz\": invalid URL escape \"%zz\"",
            ),
            ("[ab", "parse \"https://[ab\": missing ']' in host"),
            (
                "[ab]",
                "parse \"https://[ab]\": invalid host: ParseAddr(\"ab\"): unable to parse IP",
            ),
        ] {
            let error = ImagePattern::parse(pattern).expect_err(pattern);
            assert_eq!(error.to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn matching_never_panics(pattern in "\\PC{0,40}|[a-z*.:/%\\[\\]]{0,40}", image in "\\PC{0,40}|[a-z.:/]{0,40}") {
            if let Ok(parsed) = ImagePattern::parse(&pattern) {
                let _ = parsed.matches(&image);
            }
        }

        #[test]
        fn a_plain_name_matches_itself(name in "[a-z]{1,8}(\\.[a-z]{1,8}){0,3}(:[0-9]{1,4})?/[a-z]{1,8}") {
            prop_assert!(ImagePattern::parse(&name).expect("plain").matches(&name));
        }
    }
}
