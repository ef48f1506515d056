//! The servers of each registry, with the client for their kind of trust.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use regcred_http::{Client, ClientOptions};

use super::hosts::{HostConfig, Hosts, HostsError};
use super::warnings::Warnings;

/// The servers of one registry, or why its configuration cannot be used.
pub(crate) type Servers = Result<Arc<[(HostConfig, Client)]>, Arc<HostsError>>;

/// What is known of one registry.
#[derive(Clone)]
struct KnownRegistry {
    servers: Servers,
    /// What is wrong with its configuration where containerd continues.
    warnings: Vec<String>,
}

/// Looks up each registry once.
pub(crate) struct KnownServers {
    hosts: Hosts,
    http: ClientOptions,
    /// For servers without settings of their own, which share its connections.
    client: Client,
    warnings: Arc<Warnings>,
    known: Mutex<HashMap<String, KnownRegistry>>,
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
        self.known(registry).servers
    }

    /// What is wrong with the configuration of a registry where containerd continues.
    pub(crate) fn warnings(&self, registry: &str) -> Vec<String> {
        self.known(registry).warnings
    }

    fn known(&self, registry: &str) -> KnownRegistry {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.entry(registry.to_owned());
        known.or_insert_with(|| self.look_up(registry)).clone()
    }

    /// The file, or the directory of bare certificates, that configures a registry.
    pub(crate) fn file(&self, registry: &str) -> Option<PathBuf> {
        self.hosts.file(registry)
    }

    fn look_up(&self, registry: &str) -> KnownRegistry {
        let (found, warnings) = match self.hosts.lookup(registry) {
            Ok(found) => (Ok(found.servers), found.warnings),
            Err(error) => (Err(error), Vec::new()),
        };
        for warning in &warnings {
            self.warnings.once(warning);
        }
        let with_client = |config: HostConfig| Ok((config.clone(), self.client_for(&config)?));
        let servers = found.and_then(|servers| servers.into_iter().map(with_client).collect());
        KnownRegistry {
            servers: servers.map_err(Arc::new),
            warnings,
        }
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
