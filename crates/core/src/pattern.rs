//! The kubelet's image patterns: `matchImages`, keys of a plugin's `auth` and of docker
//! configuration files (kubernetes `pkg/credentialprovider/keyring.go`, `URLsMatch`).

use std::borrow::Cow;

/// A pattern such as `*.dkr.ecr.*.amazonaws.com` or `registry.io:8080/path`.
///
/// It matches when ports are equal as text, the number of dot-separated host labels is equal, each
/// label matches (`*` stands for any run inside one label), and the pattern's path is a plain
/// string prefix of the image's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImagePattern(Parts);

/// The same cut of an image name, made once for many patterns.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Parts {
    labels: Vec<String>,
    /// Whether the host stood in brackets.
    bracketed: bool,
    port: String,
    path: String,
}

impl ImagePattern {
    /// Parses a pattern as Go's `url.Parse("https://" + pattern)` does. An empty pattern is legal
    /// and matches nothing.
    ///
    /// # Errors
    /// Where Go refuses the URL, with Go's sentence.
    pub fn parse(pattern: &str) -> Result<Self, PatternError> {
        Parts::parse(pattern).map(Self)
    }

    /// Whether the pattern matches a normalised image name (`host[:port]/path`, without tag and
    /// digest). A name that cannot be parsed matches nothing.
    #[must_use]
    pub fn matches(&self, image: &str) -> bool {
        Self::parse(image).is_ok_and(|image| self.matches_parsed(&image))
    }

    /// The same for an image name that was parsed once for many patterns.
    #[must_use]
    pub fn matches_parsed(&self, image: &Self) -> bool {
        let (
            Parts {
                labels, port, path, ..
            },
            image,
        ) = (&self.0, &image.0);
        *port == image.port
            && labels.len() == image.labels.len()
            && image.path.starts_with(path.as_str())
            && labels
                .iter()
                .zip(&image.labels)
                .all(|(glob, label)| label_matches(glob, label))
    }

    /// The port as written; empty when there is none.
    #[must_use]
    pub fn port(&self) -> &str {
        &self.0.port
    }

    /// Whether the host is an IPv6 literal without a port, such as `[fe80::1]/team`. A kubelet reads
    /// its brackets as a glob, so that there it matches nothing; [`ImagePattern::matches`] takes
    /// it as the address it is.
    #[must_use]
    pub fn is_bare_ip_literal(&self) -> bool {
        self.0.bracketed && self.0.port.is_empty()
    }

    /// The pattern's path, percent-decoded, with its leading slash; often empty.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// The host's labels in order; a bracketed IPv6 literal is one label.
    #[must_use]
    pub fn labels(&self) -> &[String] {
        &self.0.labels
    }
}

impl Parts {
    fn parse(text: &str) -> Result<Self, PatternError> {
        let fail = |reason: String| {
            Err(PatternError {
                text: text.to_owned(),
                reason,
            })
        };
        if text.bytes().any(|b| b < 0x20 || b == 0x7f) {
            return fail("net/url: invalid control character in URL".to_owned());
        }
        let plain = text.split(['#']).next().unwrap_or_default();
        let plain = plain.split('?').next().unwrap_or_default();
        let (authority, path) = match plain.find('/') {
            Some(at) => plain.split_at(at),
            None => (plain, ""),
        };
        let host = authority
            .rsplit_once('@')
            .map_or(authority, |(_, host)| host);
        let (labels, port) = match split_host(host) {
            Ok(parts) => parts,
            Err(reason) => return fail(reason),
        };
        match percent_decode(path) {
            Ok(path) => Ok(Self {
                labels,
                bracketed: host.starts_with('['),
                port: port.to_owned(),
                path: path.into_owned(),
            }),
            Err(reason) => fail(reason),
        }
    }
}

/// Cuts host labels and port apart and refuses the characters that Go refuses in a host.
fn split_host(host: &str) -> Result<(Vec<String>, &str), String> {
    if let Some(rest) = host.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else {
            return Err("missing ']' in host".to_owned());
        };
        let port = check_port(port)?;
        if address.parse::<std::net::Ipv6Addr>().is_err() {
            return Err("invalid IP-literal".to_owned());
        }
        return Ok((vec![address.to_owned()], port));
    }
    let (name, port) = match host.rfind(':') {
        Some(at) => (&host[..at], check_port(&host[at..])?),
        None => (host, ""),
    };
    let refused =
        |c: char| c.is_ascii() && !c.is_ascii_alphanumeric() && !"-_.~!$&'()*+,;=<>\"%".contains(c);
    if let Some(bad) = name.chars().find(|c| refused(*c)) {
        return Err(format!(
            "invalid character {:?} in host name",
            bad.to_string()
        ));
    }
    let name = percent_decode(name)?;
    Ok((name.split('.').map(str::to_owned).collect(), port))
}

fn check_port(port: &str) -> Result<&str, String> {
    if port.is_empty() {
        return Ok("");
    }
    port.strip_prefix(':')
        .filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
        .ok_or_else(|| format!("invalid port {port:?} after host"))
}

fn percent_decode(text: &str) -> Result<Cow<'_, str>, String> {
    if !text.contains('%') {
        return Ok(Cow::Borrowed(text));
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first != b'%' {
            out.push(*first);
            rest = tail;
            continue;
        }
        let escape = &rest[..rest.len().min(3)];
        let byte = std::str::from_utf8(&escape[1..])
            .ok()
            .filter(|hex| hex.len() == 2 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let Some(byte) = byte else {
            let shown = String::from_utf8_lossy(escape);
            return Err(format!("invalid URL escape {shown:?}"));
        };
        out.push(byte);
        rest = &rest[3..];
    }
    Ok(Cow::Owned(String::from_utf8_lossy(&out).into_owned()))
}

/// Whether one host label of a pattern matches one of an image: `*` stands for any run, also an empty
/// one; everything else is literal.
#[must_use]
pub fn label_matches(glob: &str, label: &str) -> bool {
    glob == label || (glob.contains('*') && glob_matches(glob.as_bytes(), label.as_bytes()))
}

fn glob_matches(glob: &[u8], text: &[u8]) -> bool {
    let (mut g, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        if glob.get(g) == Some(&b'*') {
            retry = Some((g + 1, t));
            g += 1;
        } else if glob.get(g) == Some(&text[t]) {
            g += 1;
            t += 1;
        } else if let Some((after_star, from)) = retry {
            retry = Some((after_star, from + 1));
            g = after_star;
            t = from + 1;
        } else {
            return false;
        }
    }
    glob[g..].iter().all(|b| *b == b'*')
}

/// A pattern that Go's URL parser refuses; reads as Go's error does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("parse {:?}: {reason}", format!("https://{text}"))]
pub struct PatternError {
    text: String,
    reason: String,
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
    fn ports_and_bare_literals_are_told() {
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
            ("[ab]", "parse \"https://[ab]\": invalid IP-literal"),
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
