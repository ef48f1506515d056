//! Hosts that an operator adds to a provider: CNAMEs, mirrors, proxies.

use crate::RegistryHost;

/// The value of `--also-serve HOST[=REGION]`: a comma-separated list. Empty by default: a token goes
/// only to hosts of its own cloud.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlsoServe(Vec<(RegistryHost, Option<String>)>);

impl AlsoServe {
    /// Reads the list.
    ///
    /// # Errors
    /// A sentence that names the entry that is not a host. Globs are refused.
    pub fn parse(list: &str) -> Result<Self, String> {
        let entries = list.split(',').map(str::trim).filter(|e| !e.is_empty());
        entries
            .map(|entry| {
                let (host, value) = match entry.split_once('=') {
                    Some((host, value)) => (host, Some(value.trim().to_owned())),
                    None => (entry, None),
                };
                let host = RegistryHost::parse(host)
                    .map_err(|e| format!("{entry:?} does not name a host: {}", e.reason()))?;
                Ok((host, value.filter(|v| !v.is_empty())))
            })
            .collect::<Result<_, String>>()
            .map(Self)
    }

    /// Whether the host is listed. An entry without a port covers every port.
    #[must_use]
    pub fn contains(&self, registry: &RegistryHost) -> bool {
        self.find(registry).is_some()
    }

    /// The text after `=` of the host: a region or an account, depending on the provider.
    #[must_use]
    pub fn value(&self, registry: &RegistryHost) -> Option<&str> {
        self.find(registry)?.1.as_deref()
    }

    /// The hosts as written, for `matchImages`.
    pub fn hosts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(host, _)| host.as_written())
    }

    fn find(&self, registry: &RegistryHost) -> Option<&(RegistryHost, Option<String>)> {
        self.0.iter().find(|(listed, _)| {
            listed.host() == registry.host()
                && (listed.port().is_none() || listed.port() == registry.port())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_their_values_are_found_without_regard_to_case() {
        let list = AlsoServe::parse("mirror.corp=eu-west-1, Cache.corp:5000,").expect("sound");
        let host = |text| RegistryHost::parse(text).expect("host");
        assert_eq!(list.value(&host("MIRROR.corp/x")), Some("eu-west-1"));
        assert!(list.contains(&host("mirror.corp:8443/x")));
        assert!(list.contains(&host("cache.corp:5000/x")));
        assert!(!list.contains(&host("cache.corp/x")));
        assert!(!list.contains(&host("evil.mirror.corp/x")));
    }

    #[test]
    fn globs_and_empty_hosts_are_refused() {
        assert!(AlsoServe::parse("*.corp").is_err());
        assert!(AlsoServe::parse("=eu-west-1").is_err());
    }
}
