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
    /// Whether an operator wrote its address.
    pub(crate) is_written: bool,
    pub(crate) capabilities: Vec<Capability>,
    /// Whether an operator wrote `http://`, and so accepts that secrets are sent in clear text.
    pub(crate) cleartext: bool,
    pub(crate) schemes: Schemes,
    /// The registry's name for a server of several registries (`?ns=`).
    pub(crate) namespace: Option<String>,
    pub(crate) headers: Vec<(String, SecretString)>,
    pub(crate) trust: Trust,
    pub(crate) connect_timeout: Option<Duration>,
}

/// The schemes of an address. Where plain http would do but TLS may be spoken as well, containerd asks
/// over https first: two servers, one after the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Schemes {
    /// This one alone.
    #[default]
    One,
    /// https, before the same address over plain http. Whether the address has a port.
    HttpsFirst { has_port: bool },
    /// Plain http, after https.
    PlainAfterHttps,
}

/// The servers of one registry as they are configured.
#[derive(Debug, Default)]
pub(crate) struct RegistryHosts {
    /// The servers to ask, in order; the last is the registry itself or its `server`.
    pub(crate) servers: Vec<HostConfig>,
    /// What is wrong with the configuration where containerd logs it and continues.
    pub(crate) warnings: Vec<String>,
}

/// What a server's TLS needs besides the defaults.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trust {
    pub(crate) ca: Vec<Vec<u8>>,
    pub(crate) client: Option<SecretSlice<u8>>,
    pub(crate) skip_verify: Option<bool>,
    /// Whether certificates of this machine are not verified: a registry here that no file describes.
    pub(crate) unverified_here: bool,
}

impl HostConfig {
    /// A registry without an address in a file: https. On this machine its certificate is not verified,
    /// port 80 speaks plain http, and any other port but 443 may.
    pub(crate) fn direct(registry: &str) -> Result<Vec<Self>, HostsError> {
        let https = Self::registry(registry, "https")?;
        let (host, port) = split_port(registry);
        let is_here = is_loopback(&https.url) && !host.to_ascii_lowercase().ends_with(".localhost");
        if !is_here {
            return Ok(vec![https]);
        }
        if port == Some("80") {
            return Ok(vec![Self::registry(registry, "http")?]);
        }
        let mut https = https;
        https.trust.unverified_here = true;
        if matches!(port, None | Some("443")) {
            return Ok(vec![https]);
        }
        let mut plain = Self::registry(registry, "http")?;
        plain.trust.unverified_here = true;
        plain.schemes = Schemes::PlainAfterHttps;
        https.schemes = Schemes::HttpsFirst { has_port: true };
        Ok(vec![https, plain])
    }

    /// A registry whose operator or network is trusted without TLS. Without a port in its name it
    /// speaks TLS: plain http would be at another port.
    pub(crate) fn insecure(registry: &str) -> Result<Vec<Self>, HostsError> {
        let mut https = Self::registry(registry, "https")?;
        https.trust.skip_verify = Some(true);
        if https.url.port().is_none() && !is_loopback(&https.url) {
            return Ok(vec![https]);
        }
        let mut plain = Self::registry(registry, "http")?;
        plain.cleartext = true;
        plain.schemes = Schemes::PlainAfterHttps;
        let has_port = split_port(registry).1.is_some();
        https.schemes = Schemes::HttpsFirst { has_port };
        Ok(vec![https, plain])
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
                && (url.scheme() == "https" || split_port(registry).1.is_some())
        });
        let mut config = Self::at(url, is_registry);
        config.is_written = true;
        config.cleartext = config.url.scheme() == "http";
        if host != registry && host != network_host(registry) {
            config.namespace = Some(registry.to_owned());
        }
        config
    }

    /// The server by the schemes that are tried: an `http://` address with settings for TLS, unless its
    /// port is 80, is asked over https first. `host` is as in its address.
    pub(crate) fn by_schemes(self, host: &str, registry: &str) -> Vec<Self> {
        let port = split_port(host).1;
        let is_ambiguous =
            self.url.scheme() == "http" && self.trust.is_configured() && port != Some("80");
        let https = Url::parse(&format!("https://{host}{}", self.url.path()));
        let (true, Ok(url)) = (is_ambiguous, https) else {
            return vec![self];
        };
        let own = Self::configured(url, host, registry);
        let has_port = port.is_some();
        let https = Self {
            url: own.url,
            is_registry: self.is_registry || own.is_registry,
            cleartext: false,
            schemes: Schemes::HttpsFirst { has_port },
            ..self.clone()
        };
        let plain = Self {
            schemes: Schemes::PlainAfterHttps,
            ..self
        };
        vec![https, plain]
    }

    fn at(url: Url, is_registry: bool) -> Self {
        Self {
            url,
            is_registry,
            is_written: false,
            capabilities: Capability::ALL.to_vec(),
            cleartext: false,
            schemes: Schemes::One,
            namespace: None,
            headers: Vec::new(),
            trust: Trust::default(),
            connect_timeout: None,
        }
    }

    /// Whether the server is asked for this. A mirror is never written to, even with the capability: its
    /// content is not in the registry.
    pub(crate) fn has(&self, capability: Capability) -> bool {
        let may = capability != Capability::Push || self.is_registry;
        may && self.capabilities.contains(&capability)
    }
}

impl Trust {
    /// Whether it is the default.
    pub(crate) fn is_default(&self) -> bool {
        !self.is_configured() && !self.unverified_here
    }

    /// Whether a file has a setting for TLS, of any value.
    pub(crate) fn is_configured(&self) -> bool {
        !self.ca.is_empty() || self.client.is_some() || self.skip_verify.is_some()
    }
}

/// The network host of Docker Hub; other registries answer under their name.
pub(crate) fn network_host(registry: &str) -> &str {
    match registry {
        "docker.io" | "index.docker.io" => "registry-1.docker.io",
        other => other,
    }
}

/// A host and its port.
fn split_port(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (host, None),
    }
}
