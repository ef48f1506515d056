//! A registry: a host with an optional port.

use std::fmt;

use crate::ReferenceError;
use crate::reference::is_digest;

/// `host[:port]`, kept as written and in the form that rules compare.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RegistryHost {
    written: String,
    host: String,
    port: Option<u16>,
}

impl RegistryHost {
    /// Reads the registry of a host, an image name (with tag or digest, without
    /// normalisation: `foo/bar` has host `foo`, as kubelet plugins read it) or a URL.
    ///
    /// # Errors
    /// When the text has no host, has user information (`user@host`), or has characters in the host
    /// that neither a host name nor a bracketed IPv6 literal allows.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let text = text.trim();
        let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
        let first = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let fail = |why: &str| ReferenceError::new(text, why);
        // `app@sha256:...` without a slash has a digest, not user information. Nothing else may
        // follow an `@`: in `gcr.io@evil.test:443` the host is the second.
        let (first, digest) = match first.split_once('@') {
            Some((first, digest)) => (first, Some(digest)),
            None => (first, None),
        };
        if digest.is_some_and(|digest| text.contains("://") || !is_digest(digest)) {
            return Err(fail("user information is not allowed"));
        }
        let (host, after) = split_port(first);
        // `app:v1` without a slash: a tag, not a port.
        let port = after.filter(|port| port.bytes().all(|b| b.is_ascii_digit()));
        let port = port.map(str::parse).transpose();
        let port = port.map_err(|_| fail("the port is not a number up to 65535"))?;
        if host.is_empty() {
            return Err(fail("it does not name a registry host"));
        }
        let inner = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        let legal = match inner {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => host
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_')),
        };
        if !legal {
            return Err(fail("the host has illegal characters"));
        }
        let normal = inner.unwrap_or(host).to_ascii_lowercase();
        Ok(Self {
            written: if port.is_some() { first } else { host }.to_owned(),
            host: normal.strip_suffix('.').unwrap_or(&normal).to_owned(),
            port,
        })
    }

    /// `host[:port]` as written, which is the key of an answer.
    #[must_use]
    pub fn as_written(&self) -> &str {
        &self.written
    }

    /// The host in lower case, without port, brackets and final dot: what rules compare.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, if one was written.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.port
    }
}

impl fmt::Display for RegistryHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// Splits at the colon after the host; colons inside brackets belong to the host.
fn split_port(text: &str) -> (&str, Option<&str>) {
    let from = text.find(']').unwrap_or(0);
    match text[from..].find(':') {
        Some(at) => (&text[..from + at], Some(&text[from + at + 1..])),
        None => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_come_out_of_images_urls_and_hosts() {
        let digest = format!("app@sha256:{}", "ab".repeat(32));
        for (text, written, host, port) in [
            ("gcr.io", "gcr.io", "gcr.io", None),
            ("gcr.io/p/app:v1@sha256:abc", "gcr.io", "gcr.io", None),
            ("https://GCR.io./v1/", "GCR.io.", "gcr.io", None),
            ("gcr.io:443/p", "gcr.io:443", "gcr.io", Some(443)),
            ("[::1]:5000/x", "[::1]:5000", "::1", Some(5000)),
            ("app:v1", "app", "app", None),
            (digest.as_str(), "app", "app", None),
            ("127.0.0.1:80", "127.0.0.1:80", "127.0.0.1", Some(80)),
        ] {
            let parsed = RegistryHost::parse(text).expect(text);
            assert_eq!(
                (parsed.as_written(), parsed.host(), parsed.port()),
                (written, host, port),
                "{text}"
            );
        }
    }

    #[test]
    fn what_names_no_host_is_refused() {
        for text in [
            "",
            "https://",
            "/x",
            "user@gcr.io/x",
            "gcr.io@",
            "gcr.io@evil.test:443/x",
            "gcr.io@evil:5000",
            "https://gcr.io@evil.test:443/",
            "https://gcr.io:443@evil.test:443/",
            "https://user:pw@gcr.io:443/",
            "gcr.io\\@evil.test",
            "a b/c",
            "h:99999/x",
            "[zz]/x",
            "é.io/x",
        ] {
            assert!(RegistryHost::parse(text).is_err(), "{text:?}");
        }
    }
}
