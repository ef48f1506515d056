//! The client of registries: it knows their servers and shares connections.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use regcred_core::{Env, ImageRef};
use regcred_http::{Client, ClientOptions, HttpError, Retry};

use super::auth::Auth;
use super::endpoint::Endpoint;
use super::hosts::{HostConfig, Hosts};
use super::logins::Logins;
use super::redirected::RedirectedHosts;
use super::repository::Repository;
use super::servers::KnownServers;
use super::warnings::Warnings;

/// Asks registries. Cheap to clone; clones share connections. It holds no credential: those are an
/// argument of [`RegistryClient::repository`].
#[derive(Clone)]
pub struct RegistryClient(Arc<Shared>);

struct Shared {
    client: Client,
    retry: Retry,
    servers: KnownServers,
    warnings: Arc<Warnings>,
}

impl RegistryClient {
    /// Makes a client that takes proxies and trust from `env` and servers from `hosts`. Reads no
    /// file: certificates and `hosts.toml` are read when they are needed.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(env: &Env, hosts: Hosts) -> Result<Self, HttpError> {
        Self::with_retry(env, hosts, Retry::gentle())
    }

    /// The same with other pauses between the attempts.
    pub(crate) fn with_retry(env: &Env, hosts: Hosts, retry: Retry) -> Result<Self, HttpError> {
        let options = ClientOptions::new(env);
        let client = Client::new(options.clone())?;
        let warnings = Arc::<Warnings>::default();
        Ok(Self(Arc::new(Shared {
            servers: KnownServers::new(hosts, options, client.clone(), warnings.clone()),
            client,
            retry,
            warnings,
        })))
    }

    /// The image's repository, asked with these logins. No request is sent yet; a certificate that
    /// cannot be read is reported by the first one.
    #[must_use]
    pub fn repository(&self, image: &ImageRef, logins: impl Into<Logins>) -> Repository {
        let Shared { retry, .. } = *self.0;
        let logins = logins.into();
        let endpoints = self.0.servers.of(image.domain()).map(|servers| {
            let endpoint = |(config, client): &(HostConfig, Client)| {
                let login = logins.of_server(config, image);
                Endpoint {
                    auth: Arc::new(Auth::new(login.clone())),
                    redirected: RedirectedHosts::new(logins.clone(), config.url.clone(), login),
                    config: config.clone(),
                    client: client.clone(),
                    path: image.path().to_owned(),
                    pull_scope: format!("repository:{}:pull", image.path()),
                    retry,
                    passed_over: AtomicBool::new(false),
                    reported: AtomicBool::new(false),
                    met_tls: AtomicBool::new(false),
                    fell_back: AtomicBool::new(false),
                    is_open: AtomicBool::new(false),
                    asked: Mutex::default(),
                    warnings: self.0.warnings.clone(),
                }
            };
            servers.iter().map(endpoint).collect()
        });
        Repository::new(image.name(), endpoints, self.0.client.clone(), retry)
    }

    /// The file, or the directory of bare certificates, that configures the servers of an image's
    /// registry.
    #[must_use]
    pub fn hosts_file(&self, image: &ImageRef) -> Option<PathBuf> {
        self.0.servers.file(image.domain())
    }

    /// What is wrong with that file where a container runtime logs it and goes on.
    #[must_use]
    pub fn hosts_warnings(&self, image: &ImageRef) -> Vec<String> {
        self.0.servers.warnings(image.domain())
    }

    #[cfg(test)]
    pub(crate) fn warnings(&self) -> Vec<String> {
        self.0.warnings.logged()
    }
}

impl fmt::Debug for RegistryClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryClient").finish_non_exhaustive()
    }
}
