//! The servers of each registry, with the client for their kind of trust.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use regcred_http::{Client, ClientOptions};

use super::hosts::{HostConfig, Hosts, HostsError};
use super::warnings::Warnings;

/// The servers of one registry, or why its configuration cannot be used.
pub(crate) type Servers = Result<Arc<[(HostConfig, Client)]>, Arc<HostsError>>;

/// Looks up each registry once.
pub(crate) struct KnownServers {
    hosts: Hosts,
    http: ClientOptions,
    /// For servers without settings of their own, which share its connections.
    client: Client,
    warnings: Arc<Warnings>,
    known: Mutex<HashMap<String, Servers>>,
}

impl KnownServers {
    pub(crate) fn new(
        hosts: Hosts,
        http: ClientOptions,
        client: Client,
        warnings: Arc<Warnings>,
    ) -> Self {
        Self {
            hosts,
            http,
            client,
            warnings,
            known: Mutex::default(),
        }
    }

    pub(crate) fn of(&self, registry: &str) -> Servers {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let servers = known.entry(registry.to_owned());
        let look_up = || self.look_up(registry).map_err(Arc::new);
        servers.or_insert_with(look_up).clone()
    }

    /// The file, or the directory of bare certificates, that configures a registry.
    pub(crate) fn file(&self, registry: &str) -> Option<PathBuf> {
        self.hosts.file(registry)
    }

    fn look_up(&self, registry: &str) -> Result<Arc<[(HostConfig, Client)]>, HostsError> {
        let found = self.hosts.lookup(registry)?;
        for warning in &found.warnings {
            self.warnings.once(warning);
        }
        let configs = found.servers.into_iter();
        configs
            .map(|config| Ok((config.clone(), self.client_for(&config)?)))
            .collect()
    }

    fn client_for(&self, config: &HostConfig) -> Result<Client, HostsError> {
        if config.trust.is_default() && config.connect_timeout.is_none() {
            return Ok(self.client.clone());
        }
        let mut options = self.http.clone();
        options.extra_ca_pem.extend(config.trust.ca.iter().cloned());
        if let Some(identity) = &config.trust.client {
            options.client_identity_pem = Some(identity.clone());
        }
        options.danger_skip_verify |= config.trust.skip_verify == Some(true);
        options.danger_skip_verify_here |= config.trust.unverified_here;
        if let Some(timeout) = config.connect_timeout {
            options.connect_timeout = timeout;
        }
        Ok(Client::new(options)?)
    }
}
