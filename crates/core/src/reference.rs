//! Image references in Docker's normalised form, as distribution/reference reads them
//! (`normalize.go`, `regexp.go`): `nginx` is `docker.io/library/nginx`.

use std::fmt;

/// An image name with its optional tag and digest.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ImageRef {
    domain: String,
    path: String,
    tag: Option<String>,
    digest: Option<String>,
}

impl ImageRef {
    /// Parses and normalises a reference.
    ///
    /// # Errors
    /// With distribution/reference's own sentences, for everything it refuses; and for a bracketed
    /// host that is no IPv6 address.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let fail = |why: &str| Err(ReferenceError::new(text, why));
        if text.is_empty() {
            return fail("invalid reference format");
        }
        if text.len() == 64 && text.bytes().all(is_lower_hex) {
            return fail("cannot specify 64-byte hexadecimal strings");
        }
        let (domain, rest) = split_domain(text);
        let name_end = rest.find([':', '@']).unwrap_or(rest.len());
        let mut path = rest[..name_end].to_owned();
        if domain == DEFAULT_DOMAIN && !path.contains('/') {
            path.insert_str(0, "library/");
        }
        if path.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(ReferenceError::new(
                text,
                format!("invalid reference format: repository name ({path}) must be lowercase"),
            ));
        }
        let (name_and_tag, digest) = match rest.split_once('@') {
            Some((before, digest)) => (before, Some(digest)),
            None => (rest, None),
        };
        let tag = name_and_tag.split_once(':').map(|(_, tag)| tag);
        let sound = is_domain(&domain)
            && path.split('/').all(is_path_component)
            && tag.is_none_or(is_tag)
            && digest.is_none_or(is_digest);
        if !sound {
            return fail("invalid reference format");
        }
        if path.len() > 255 {
            return fail("repository name must not be more than 255 characters");
        }
        Ok(Self {
            domain,
            path,
            tag: tag.map(str::to_owned),
            digest: digest.map(str::to_owned),
        })
    }

    /// Registry with its port, `docker.io` for Docker Hub.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// Repository path below the registry.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The tag, if one was written.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, if one was written. With both, the digest decides what is fetched.
    #[must_use]
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// `domain/path`, without tag and digest: what the kubelet's keyring and plugins are asked.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.domain, self.path)
    }

    /// The same reference, with tag `latest` if it has neither tag nor digest.
    #[must_use]
    pub fn with_default_tag(mut self) -> Self {
        if self.tag.is_none() && self.digest.is_none() {
            self.tag = Some("latest".to_owned());
        }
        self
    }

    /// The same name with another digest and no tag.
    #[must_use]
    pub fn with_digest(mut self, digest: impl Into<String>) -> Self {
        self.tag = None;
        self.digest = Some(digest.into());
        self
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.domain, self.path)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

impl std::str::FromStr for ImageRef {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// A text that is no image reference or names no registry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("couldn't parse image name {text:?}: {reason}")]
pub struct ReferenceError {
    text: String,
    reason: String,
}

impl ReferenceError {
    pub(crate) fn new(text: &str, reason: impl Into<String>) -> Self {
        Self {
            text: without_login(text).chars().take(300).collect(),
            reason: reason.into(),
        }
    }

    /// The rule that was broken, without the text.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// The text without a login that somebody pasted: what stands before an `@` that begins no digest.
fn without_login(text: &str) -> String {
    let is_digest = |tail: &str| DIGESTS.iter().any(|start| tail.starts_with(start));
    let (name, digest) = match text.rsplit_once('@') {
        Some((name, tail)) if is_digest(tail) => (name, &text[name.len()..]),
        _ => (text, ""),
    };
    match name.rsplit_once('@') {
        Some((login, host)) if login.contains(':') => format!("...@{host}{digest}"),
        _ => text.to_owned(),
    }
}

fn split_domain(text: &str) -> (String, &str) {
    let first_is_domain = |first: &str| {
        first.contains(['.', ':'])
            || first == "localhost"
            || first.bytes().any(|b| b.is_ascii_uppercase())
    };
    match text.split_once('/') {
        Some((first, rest)) if first_is_domain(first) => {
            let domain = if first == "index.docker.io" {
                DEFAULT_DOMAIN
            } else {
                first
            };
            (domain.to_owned(), rest)
        }
        _ => (DEFAULT_DOMAIN.to_owned(), text),
    }
}

fn is_domain(domain: &str) -> bool {
    let (host, port) = match domain.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) if address.parse::<std::net::Ipv6Addr>().is_ok() => ("", port),
            _ => return false,
        },
        None => match domain.find(':') {
            Some(at) => domain.split_at(at),
            None => (domain, ""),
        },
    };
    let label = |l: &str| {
        !l.is_empty()
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    let port_ok = port.is_empty()
        || port
            .strip_prefix(':')
            .is_some_and(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()));
    port_ok && (domain.starts_with('[') || host.split('.').all(label))
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_path_component(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return false;
    };
    if !word(*first) || !word(*last) {
        return false;
    }
    bytes
        .chunk_by(|a, b| word(*a) == word(*b))
        .filter(|run| !word(run[0]))
        .all(|run| matches!(run, b"." | b"_" | b"__") || run.iter().all(|b| *b == b'-'))
}

fn is_tag(text: &str) -> bool {
    text.len() <= 128
        && !text.is_empty()
        && !text.starts_with(['.', '-'])
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

/// The general digest grammar, and the exact form of the registered algorithms.
pub(crate) fn is_digest(text: &str) -> bool {
    let Some((algorithm, hex)) = text.split_once(':') else {
        return false;
    };
    let exact = |n: usize| hex.len() == n && hex.bytes().all(is_lower_hex);
    match algorithm {
        "sha256" => return exact(64),
        "sha384" => return exact(96),
        "sha512" => return exact(128),
        _ => {}
    }
    let component = |c: &str| {
        c.starts_with(|x: char| x.is_ascii_alphabetic())
            && c.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    algorithm.split(['-', '_', '+', '.']).all(component)
        && hex.len() >= 32
        && hex.bytes().all(|b| b.is_ascii_hexdigit())
}

fn is_lower_hex(b: u8) -> bool {
    b.is_ascii_digit() || (b'a'..=b'f').contains(&b)
}

const DEFAULT_DOMAIN: &str = "docker.io";
const DIGESTS: [&str; 3] = ["sha256:", "sha384:", "sha512:"];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_normalised_as_docker_does() {
        for (text, name) in [
            ("nginx", "docker.io/library/nginx"),
            ("foo/bar", "docker.io/foo/bar"),
            ("test_com/foo", "docker.io/test_com/foo"),
            ("index.docker.io/nginx", "docker.io/library/nginx"),
            ("localhost/x", "localhost/x"),
            ("Foo/bar", "Foo/bar"),
            ("localhost:5000", "docker.io/library/localhost:5000"),
            ("gcr.io/p/app", "gcr.io/p/app"),
            ("[fe80::1]:5000/a/b:v1", "[fe80::1]:5000/a/b:v1"),
            ("h.io:5000/a__b/c--d.e_f", "h.io:5000/a__b/c--d.e_f"),
        ] {
            assert_eq!(ImageRef::parse(text).expect(text).to_string(), name);
        }
    }

    #[test]
    fn tag_and_digest_are_told_apart() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        let image = ImageRef::parse(&format!("gcr.io/p/a:v1@{digest}")).expect("sound");
        assert_eq!(image.tag(), Some("v1"));
        assert_eq!(image.digest(), Some(digest.as_str()));
        assert_eq!(image.name(), "gcr.io/p/a");
        let plain = ImageRef::parse("a").expect("sound").with_default_tag();
        assert_eq!(plain.tag(), Some("latest"));
    }

    #[test]
    fn broken_references_are_refused() {
        let hex64 = "0123456789abcdef".repeat(4);
        for (text, why) in [
            ("", "invalid reference format"),
            (hex64.as_str(), "64-byte"),
            ("gcr.io/App", "must be lowercase"),
            ("gcr.io/a..b", "invalid reference format"),
            ("gcr.io/a___b", "invalid reference format"),
            ("gcr.io/a:.x", "invalid reference format"),
            ("gcr.io/a@sha256:12", "invalid reference format"),
            ("https://gcr.io/a", "invalid reference format"),
            ("[1::2::3]/a", "invalid reference format"),
            ("-a.io/x", "invalid reference format"),
            ("a.io//x", "invalid reference format"),
        ] {
            let error = ImageRef::parse(text).expect_err(text);
            assert!(error.reason().contains(why), "{text}: {error}");
        }
        assert!(ImageRef::parse(&format!("a.io/{}", "a".repeat(256))).is_err());
    }

    #[test]
    fn a_pasted_login_is_not_echoed() {
        let long = format!(
            "https://oauth2accesstoken:{}canary@gcr.io/x",
            "y".repeat(400)
        );
        let digest = "ab".repeat(32);
        for text in [
            "https://me:canary@host.io/x",
            "https://me:canary@host.io:443/x",
            "https://me:p@canary@host.io/x",
            "https://canary@host.io/x",
            &format!("https://me:canary@host.io/x@sha256:{digest}"),
            &long,
        ] {
            let error = ImageRef::parse(text).expect_err("no reference").to_string();
            assert!(!error.contains("canary") && error.contains("@"), "{error}");
            assert!(!error.contains("yyyy") && !error.contains("p@"), "{error}");
        }
        let error = ImageRef::parse("host.io/App:v1@sha256:12").expect_err("upper case");
        assert!(
            error.to_string().contains("host.io/App:v1@sha256:12"),
            "{error}"
        );
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_its_result_parses_to_itself(text in "[a-zA-Z0-9:@/._\\[\\]-]{0,80}|\\PC{0,40}") {
            if let Ok(image) = ImageRef::parse(&text) {
                let again = ImageRef::parse(&image.to_string());
                prop_assert_eq!(again, Ok(image));
            }
        }
    }
}
