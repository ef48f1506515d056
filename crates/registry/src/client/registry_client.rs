//! The client of registries: knows which servers stand for a registry, and shares connections.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use regcred_core::{Credentials, Env, ImageRef};
use regcred_http::{Client, ClientOptions, HttpError, Retry};
use secrecy::ExposeSecret;

use super::auth::Auth;
use super::endpoint::Endpoint;
use super::hosts::{HostConfig, Hosts, HostsError};
use super::repository::Repository;
use super::warnings::Warnings;

/// Asks registries. Cheap to clone; clones share connections. It holds no credential: that is an
/// argument of [`RegistryClient::repository`].
#[derive(Clone)]
pub struct RegistryClient(Arc<Shared>);

struct Shared {
    options: RegistryOptions,
    client: Client,
    known: Mutex<HashMap<String, Servers>>,
    warnings: Arc<Warnings>,
}

/// How registries are asked.
#[derive(Clone, Debug)]
pub struct RegistryOptions {
    /// Time-outs, trust and proxies, for all servers.
    pub http: ClientOptions,
    /// Which servers stand for a registry.
    pub hosts: Hosts,
    /// When a request is repeated, and how long a broken stream waits.
    pub retry: Retry,
}

impl RegistryOptions {
    /// The defaults: proxies and trust of `env`, no mirrors, patience for a few seconds.
    #[must_use]
    pub fn new(env: &Env) -> Self {
        Self {
            http: ClientOptions::new(env),
            hosts: Hosts::none(),
            retry: Retry::gentle(),
        }
    }
}

/// The servers of one registry, or why its configuration cannot be used.
pub(crate) type Servers = Result<Arc<[Server]>, Arc<ClientError>>;

/// A server with the client for its kind of trust.
#[derive(Clone)]
pub(crate) struct Server {
    config: HostConfig,
    client: Client,
}

/// Why a registry's servers cannot be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    #[error(transparent)]
    Hosts(#[from] HostsError),
    #[error(transparent)]
    Http(#[from] HttpError),
}

impl RegistryClient {
    /// Makes a client that takes proxies and trust from `env` and servers from `hosts`. Reads no
    /// file: certificates and `hosts.toml` are read when they are needed.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(env: &Env, hosts: Hosts) -> Result<Self, HttpError> {
        Self::with_options(RegistryOptions {
            hosts,
            ..RegistryOptions::new(env)
        })
    }

    /// The same with more to say.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn with_options(options: RegistryOptions) -> Result<Self, HttpError> {
        Ok(Self(Arc::new(Shared {
            client: Client::new(options.http.clone())?,
            options,
            known: Mutex::default(),
            warnings: Arc::default(),
        })))
    }

    /// The image's repository, asked with this credential or anonymously. No request is sent yet;
    /// a broken `hosts.toml` is reported by the first one.
    #[must_use]
    pub fn repository(&self, image: &ImageRef, login: Option<&Credentials>) -> Repository {
        // What has neither name nor secret is no credential.
        let login =
            login.filter(|l| !l.username.is_empty() || !l.password.expose_secret().is_empty());
        let retry = self.0.options.retry;
        let endpoints = self.servers(image.domain()).map(|servers| {
            servers
                .iter()
                .map(|Server { config, client }| {
                    // A mirror never sees the upstream's credential.
                    let login = login.filter(|_| config.is_registry).cloned();
                    let auth = Auth::new(image.path(), login);
                    let (config, client) = (config.clone(), client.clone());
                    let warnings = self.0.warnings.clone();
                    Endpoint::new(config, client, auth, image.path(), retry, warnings)
                })
                .collect()
        });
        Repository::new(image.name(), endpoints, self.0.client.clone(), retry)
    }

    #[cfg(test)]
    pub(crate) fn warnings(&self) -> Vec<String> {
        self.0.warnings.told()
    }

    fn servers(&self, registry: &str) -> Servers {
        let known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(servers) = known.get(registry) {
            return servers.clone();
        }
        drop(known);
        let servers = self.look_up(registry).map_err(Arc::new);
        let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(registry.to_owned()).or_insert(servers).clone()
    }

    fn look_up(&self, registry: &str) -> Result<Arc<[Server]>, ClientError> {
        let configs = self.0.options.hosts.lookup(registry)?;
        let server = |config: HostConfig| {
            let client = self.client_for(&config)?;
            Ok(Server { config, client })
        };
        configs.into_iter().map(server).collect()
    }

    /// Servers without wishes of their own share one client and its connections.
    fn client_for(&self, config: &HostConfig) -> Result<Client, ClientError> {
        if config.trust.is_usual() && config.connect_timeout.is_none() {
            return Ok(self.0.client.clone());
        }
        let mut options = self.0.options.http.clone();
        options.extra_ca_pem.extend(config.trust.ca.iter().cloned());
        if let Some(identity) = &config.trust.client {
            options.client_identity_pem = Some(identity.clone());
        }
        options.danger_skip_verify |= config.trust.skip_verify;
        if let Some(timeout) = config.connect_timeout {
            options.connect_timeout = timeout;
        }
        Ok(Client::new(options)?)
    }
}

impl fmt::Debug for RegistryClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryClient")
            .field("hosts", &self.0.options.hosts)
            .finish_non_exhaustive()
    }
}
