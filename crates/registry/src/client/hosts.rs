//! Which servers stand for a registry: containerd's `certs.d` directories with `hosts.toml`
//! (containerd `docs/hosts.md`, `core/remotes/docker/config`), else the registry itself.

mod directory;
mod file;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use regcred_http::Url;
use secrecy::{SecretSlice, SecretString};

pub use file::HostsError;

/// Directories in which registries are configured. A registry without any is asked directly.
#[derive(Clone, Debug, Default)]
pub struct Hosts {
    roots: Vec<PathBuf>,
}

impl Hosts {
    /// No configuration: every registry is asked directly.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads these directories, each laid out like `/etc/containerd/certs.d`. The first one that
    /// knows a registry (or has `_default`) decides.
    #[must_use]
    pub fn new(roots: impl IntoIterator<Item = PathBuf>) -> Self {
        Self {
            roots: roots.into_iter().collect(),
        }
    }

    /// The servers to ask for a registry, in order; the last is always the registry itself or what
    /// `server` puts in its place.
    pub(crate) fn lookup(&self, registry: &str) -> Result<Vec<HostConfig>, HostsError> {
        let found = self
            .roots
            .iter()
            .find_map(|root| directory::find(root, registry));
        match found {
            Some(directory) => directory::read(&directory, registry),
            None => Ok(HostConfig::direct(registry)?),
        }
    }
}

/// One server and how to speak to it.
#[derive(Clone)]
pub(crate) struct HostConfig {
    /// Base address without a final slash, `/v2` or an overridden path included.
    pub(crate) url: Url,
    /// Whether it counts as the registry itself and gets the image's credential. A mirror does
    /// not, unless it has the registry's own host and port.
    pub(crate) is_registry: bool,
    /// Whether content may be fetched by digest.
    pub(crate) pull: bool,
    /// Whether tags may be resolved.
    pub(crate) resolve: bool,
    /// Whether an operator wrote `http://`, and so accepts that secrets go in clear text.
    pub(crate) cleartext: bool,
    /// Whether it is asked only if the server before it turned out to speak TLS.
    pub(crate) only_for_tls: bool,
    /// The registry's name for a server that stands for several (`?ns=`).
    pub(crate) namespace: Option<String>,
    pub(crate) headers: Vec<(String, SecretString)>,
    pub(crate) trust: Trust,
    pub(crate) connect_timeout: Option<Duration>,
}

/// What a server's TLS needs beyond the usual.
#[derive(Clone, Default)]
pub(crate) struct Trust {
    pub(crate) ca: Vec<Vec<u8>>,
    pub(crate) client: Option<SecretSlice<u8>>,
    pub(crate) skip_verify: bool,
}

impl HostConfig {
    /// A registry without configuration: https, and plain http on this machine. A registry of this
    /// machine that turns out to speak TLS is asked over https.
    pub(crate) fn direct(registry: &str) -> Result<Vec<Self>, HostsError> {
        let https = Self::registry(registry, "https")?;
        if !regcred_http::is_loopback(&https.url) {
            return Ok(vec![https]);
        }
        let http = Self::registry(registry, "http")?;
        let https = Self {
            only_for_tls: true,
            ..https
        };
        Ok(vec![http, https])
    }

    /// The registry itself by one scheme.
    pub(crate) fn registry(registry: &str, scheme: &str) -> Result<Self, HostsError> {
        let url = format!("{scheme}://{}/v2", network_host(registry));
        let url = Url::parse(&url).map_err(|_| HostsError::registry(registry))?;
        Ok(Self::at(url, true))
    }

    pub(crate) fn at(url: Url, is_registry: bool) -> Self {
        Self {
            url,
            is_registry,
            pull: true,
            resolve: true,
            cleartext: false,
            only_for_tls: false,
            namespace: None,
            headers: Vec::new(),
            trust: Trust::default(),
            connect_timeout: None,
        }
    }
}

impl Trust {
    /// Whether nothing is special.
    pub(crate) fn is_usual(&self) -> bool {
        self.ca.is_empty() && self.client.is_none() && !self.skip_verify
    }
}

impl fmt::Debug for HostConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostConfig")
            .field("url", &self.url.as_str())
            .field("is_registry", &self.is_registry)
            .finish_non_exhaustive()
    }
}

/// Where Docker Hub really answers; other registries answer under their name.
pub(crate) fn network_host(registry: &str) -> &str {
    match registry {
        "docker.io" | "index.docker.io" => "registry-1.docker.io",
        other => other,
    }
}

#[cfg(test)]
mod tests;
