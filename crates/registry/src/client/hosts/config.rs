//! One server of a registry and how it is asked.

use std::time::Duration;

use regcred_http::{Url, is_loopback};
use secrecy::{SecretSlice, SecretString};

use super::error::HostsError;
use crate::client::capability::Capability;

/// One server.
#[derive(Clone, Debug)]
pub(crate) struct HostConfig {
    /// Base address without a final slash, `/v2` or an overridden path included.
    pub(crate) url: Url,
    /// Whether it is the registry itself. A mirror is not, unless it has the registry's own host and
    /// port.
    pub(crate) is_registry: bool,
    pub(crate) capabilities: Vec<Capability>,
    /// Whether an operator wrote `http://`, and so accepts that secrets are sent in clear text.
    pub(crate) cleartext: bool,
    /// Whether it is asked only if the server before it turned out to speak TLS.
    pub(crate) only_for_tls: bool,
    /// The registry's name for a server of several registries (`?ns=`).
    pub(crate) namespace: Option<String>,
    pub(crate) headers: Vec<(String, SecretString)>,
    pub(crate) trust: Trust,
    pub(crate) connect_timeout: Option<Duration>,
}

/// The servers of one registry as they are configured.
#[derive(Debug, Default)]
pub(crate) struct RegistryHosts {
    /// The servers to ask, in order; the last is the registry itself or its `server`.
    pub(crate) servers: Vec<HostConfig>,
    /// What is wrong with the configuration where containerd logs it and goes on.
    pub(crate) warnings: Vec<String>,
}

/// What a server's TLS needs besides the defaults.
#[derive(Clone, Debug, Default)]
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
        if !is_loopback(&https.url) {
            return Ok(vec![https]);
        }
        let http = Self::registry(registry, "http")?;
        let https = Self {
            only_for_tls: true,
            ..https
        };
        Ok(vec![http, https])
    }

    /// A registry whose operator or network is trusted without TLS. Without a port in its name it
    /// speaks TLS: plain http would be at another port.
    pub(crate) fn insecure(registry: &str) -> Result<Vec<Self>, HostsError> {
        let mut https = Self::registry(registry, "https")?;
        https.trust.skip_verify = true;
        if https.url.port().is_none() && !is_loopback(&https.url) {
            return Ok(vec![https]);
        }
        let mut http = Self::registry(registry, "http")?;
        http.cleartext = true;
        https.only_for_tls = true;
        Ok(vec![http, https])
    }

    /// The registry itself by one scheme.
    pub(crate) fn registry(registry: &str, scheme: &str) -> Result<Self, HostsError> {
        let url = format!("{scheme}://{}/v2", network_host(registry));
        match Url::parse(&url) {
            Ok(url) => Ok(Self::at(url, true)),
            Err(_) => Err(HostsError::Registry {
                registry: registry.to_owned(),
            }),
        }
    }

    /// A server that an operator wrote down for the registry, `host` as in its address.
    pub(crate) fn configured(url: Url, host: &str, registry: &str) -> Self {
        let is_registry = Self::registry(registry, url.scheme()).is_ok_and(|own| {
            own.url.origin() == url.origin()
                // Port 80 of a registry that should speak https is another server.
                && (url.scheme() == "https" || registry.contains(':'))
        });
        let mut config = Self::at(url, is_registry);
        config.cleartext = config.url.scheme() == "http";
        if host != registry && host != network_host(registry) {
            config.namespace = Some(registry.to_owned());
        }
        config
    }

    fn at(url: Url, is_registry: bool) -> Self {
        Self {
            url,
            is_registry,
            capabilities: Capability::ALL.to_vec(),
            cleartext: false,
            only_for_tls: false,
            namespace: None,
            headers: Vec::new(),
            trust: Trust::default(),
            connect_timeout: None,
        }
    }

    /// Whether the server is asked for this. A mirror is never written to, whatever it may do: what it
    /// has is not in the registry.
    pub(crate) fn has(&self, capability: Capability) -> bool {
        let may = capability != Capability::Push || self.is_registry;
        may && self.capabilities.contains(&capability)
    }
}

impl Trust {
    /// Whether it is the default.
    pub(crate) fn is_default(&self) -> bool {
        self.ca.is_empty() && self.client.is_none() && !self.skip_verify
    }
}

/// The network host of Docker Hub; other registries answer under their name.
pub(crate) fn network_host(registry: &str) -> &str {
    match registry {
        "docker.io" | "index.docker.io" => "registry-1.docker.io",
        other => other,
    }
}
