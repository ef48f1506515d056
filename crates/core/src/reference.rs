//! Image references in Docker's normalised form, as distribution/reference reads them
//! (`normalize.go`, `regexp.go`): `nginx` is `docker.io/library/nginx`.

use std::fmt;

use regcred_go::go_lowercase;

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
    /// The sentence of distribution/reference, for every text that it refuses.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let fail = |why: String| Err(ReferenceError::new(text, why));
        if text.len() == 64 && text.bytes().all(is_lower_hex) {
            return fail(format!(
                "invalid repository name ({text}), cannot specify 64-byte hexadecimal strings"
            ));
        }
        let (domain, mut rest) = split_domain(text);
        if domain == DEFAULT_DOMAIN && !rest.contains('/') {
            rest.insert_str(0, "library/");
        }
        let repository = rest.split_once(':').map_or(&*rest, |(before, _)| before);
        if go_lowercase(repository) != repository {
            return fail(format!(
                "invalid reference format: repository name ({repository}) must be lowercase"
            ));
        }
        let whole = format!("{domain}/{rest}");
        let written = Written::parse(&whole).map_err(|why| ReferenceError::new(text, why))?;
        let (domain, path) = written.name.split_once('/').unwrap_or_default();
        Ok(Self {
            domain: domain.to_owned(),
            path: path.to_owned(),
            tag: written.tag.map(str::to_owned),
            digest: written.digest.map(str::to_owned),
        })
    }

    /// The name in a reference as it is written, without tag and digest: `docker.io` is not added.
    /// 64 hexadecimal digits are a name here.
    ///
    /// # Errors
    /// As [`ImageRef::parse`], in the words for a reference that is not normalised.
    pub fn name_as_written(text: &str) -> Result<&str, ReferenceError> {
        let written = Written::parse(text).map_err(|why| ReferenceError::new(text, why))?;
        Ok(written.name)
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

/// A text that is not an image reference or does not name a registry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("couldn't parse image name {text:?}: {reason}{}", in_brackets(*advice))]
pub struct ReferenceError {
    text: String,
    reason: String,
    /// What a person may have meant.
    advice: Option<&'static str>,
}

impl ReferenceError {
    pub(crate) fn new(text: &str, reason: impl Into<String>) -> Self {
        Self {
            text: without_login(text).chars().take(300).collect(),
            reason: reason.into(),
            advice: advice(text),
        }
    }

    /// The violated rule, without the text.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// Advice for texts that people write in place of an image name.
fn advice(text: &str) -> Option<&'static str> {
    if text.contains("://") {
        Some("an image name has no scheme such as https://")
    } else if text.contains(['$', '{']) {
        Some("a variable was not replaced")
    } else if text.ends_with(':') {
        Some("the tag is empty")
    } else if text.contains(char::is_whitespace) {
        Some("an image name has no blanks and no line end")
    } else {
        None
    }
}

fn in_brackets(advice: Option<&str>) -> String {
    advice.map_or_else(String::new, |advice| format!(" ({advice})"))
}

/// The text without a pasted login: what precedes an `@` that does not begin a digest.
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

fn split_domain(text: &str) -> (&str, String) {
    let first_is_domain = |first: &str| {
        first.contains(['.', ':']) || first == "localhost" || go_lowercase(first) != first
    };
    match text.split_once('/') {
        Some(("index.docker.io", rest)) => (DEFAULT_DOMAIN, rest.to_owned()),
        Some((first, rest)) if first_is_domain(first) => (first, rest.to_owned()),
        _ => (DEFAULT_DOMAIN, text.to_owned()),
    }
}

/// A reference taken apart and not normalised.
struct Written<'a> {
    name: &'a str,
    tag: Option<&'a str>,
    digest: Option<&'a str>,
}

impl<'a> Written<'a> {
    /// Upstream's `Parse`, with its sentences.
    fn parse(text: &'a str) -> Result<Self, &'static str> {
        let Some(written) = Self::cut(text).filter(Self::is_well_formed) else {
            let lower = go_lowercase(text);
            return Err(match Written::cut(&lower) {
                _ if text.is_empty() => "repository name must have at least one component",
                Some(lower) if lower.is_well_formed() => "repository name must be lowercase",
                _ => "invalid reference format",
            });
        };
        let path = match written.name.split_once('/') {
            Some((domain, path)) if is_domain(domain) => path,
            _ => written.name,
        };
        if path.len() > 255 {
            return Err("repository name must not be more than 255 characters");
        }
        written.digest.map_or(Ok(()), check_digest)?;
        Ok(written)
    }

    fn cut(text: &'a str) -> Option<Self> {
        let (before, digest) = match text.split_once('@') {
            Some((before, digest)) => (before, Some(digest)),
            None => (text, None),
        };
        let last = before.rfind('/').map_or(0, |slash| slash + 1);
        let (name, tag) = match before.get(last..)?.find(':') {
            Some(colon) => (&before[..last + colon], Some(&before[last + colon + 1..])),
            None => (before, None),
        };
        Some(Self { name, tag, digest })
    }

    fn is_well_formed(&self) -> bool {
        let is_path = |path: &str| path.split('/').all(is_path_component);
        let with_domain = |(domain, path): (&str, &str)| is_domain(domain) && is_path(path);
        (is_path(self.name) || self.name.split_once('/').is_some_and(with_domain))
            && self.tag.is_none_or(is_tag)
            && self.digest.is_none_or(has_digest_form)
    }
}

/// Whether a text consists of these bytes and is not empty.
fn is_made_of(text: &str, is_in: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(is_in)
}

fn is_domain(domain: &str) -> bool {
    let is_port = |text: &str| {
        text.is_empty()
            || text
                .strip_prefix(':')
                .is_some_and(|port| is_made_of(port, |b| b.is_ascii_digit()))
    };
    if let Some(literal) = domain.strip_prefix('[') {
        // Upstream does not check more of an address.
        let is_in = |b: u8| b.is_ascii_hexdigit() || b == b':';
        return literal
            .split_once(']')
            .is_some_and(|(address, port)| is_made_of(address, is_in) && is_port(port));
    }
    let (host, port) = domain.split_at(domain.find(':').unwrap_or(domain.len()));
    let is_label = |label: &str| {
        is_made_of(label, |b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    is_port(port) && host.split('.').all(is_label)
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
    let is_in = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    text.len() <= 128 && !text.starts_with(['.', '-']) && is_made_of(text, is_in)
}

/// The digest of a registered algorithm in its exact form.
pub(crate) fn is_digest(text: &str) -> bool {
    has_digest_form(text) && check_digest(text).is_ok()
}

/// The general grammar, for any algorithm.
fn has_digest_form(text: &str) -> bool {
    let component = |c: &str| {
        c.starts_with(|x: char| x.is_ascii_alphabetic())
            && is_made_of(c, |b| b.is_ascii_alphanumeric())
    };
    text.split_once(':').is_some_and(|(algorithm, hex)| {
        algorithm.split(['-', '_', '+', '.']).all(component)
            && hex.len() >= 32
            && hex.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

/// The rules of opencontainers/go-digest for a text of the general form.
fn check_digest(text: &str) -> Result<(), &'static str> {
    let (algorithm, hex) = text.split_once(':').unwrap_or_default();
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        other if other.bytes().any(|b| b.is_ascii_uppercase()) => {
            return Err("invalid checksum digest format");
        }
        _ => return Err("unsupported digest algorithm"),
    };
    if hex.len() != length {
        return Err("invalid checksum digest length");
    }
    if !hex.bytes().all(is_lower_hex) {
        return Err("invalid checksum digest format");
    }
    Ok(())
}

fn is_lower_hex(b: u8) -> bool {
    matches!(b, b'0'..=b'9' | b'a'..=b'f')
}

const DEFAULT_DOMAIN: &str = "docker.io";
const DIGESTS: [&str; 3] = ["sha256:", "sha384:", "sha512:"];

#[cfg(test)]
mod tests;
