//! The client of registries, with their servers and shared connections.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use regcred_core::{Credentials, Env, ImageRef};
use regcred_http::{Client, ClientOptions, HttpError, Retry};

use super::endpoint::Endpoint;
use super::error::RegistryError;
use super::hosts::{HostConfig, Hosts};
use super::logins::{Logins, name_at_mirror};
use super::object::{Object, Part};
use super::repository::Repository;
use super::request::RegistryRequest;
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

    /// The client with other pauses between the attempts.
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
            let endpoint = |server: &(HostConfig, Client)| {
                let warnings = Arc::clone(&self.0.warnings);
                Endpoint::new(server.clone(), image, &logins, retry, warnings)
            };
            servers.iter().map(endpoint).collect()
        });
        Repository::new(image.name(), endpoints, self.0.client.clone(), retry)
    }

    /// Asks a registry whether it accepts a login, as `docker login` does; returns false if it did not
    /// ask for one.
    ///
    /// # Errors
    /// When the host is not a registry's, does not answer, or refuses the login.
    pub async fn log_in(&self, host: &str, login: &Credentials) -> Result<bool, RegistryError> {
        let unusable = |why: String| RegistryError::local(host, why);
        // Any repository: only the registry is asked.
        let image = ImageRef::parse(&format!("{host}/login"));
        let image = image.map_err(|error| unusable(error.to_string()))?;
        let repository = self.repository(&image, Some(login));
        let object = Object::pulled(repository.name(), Part::Registry);
        repository.send(&RegistryRequest::base(&object)).await?;
        Ok(repository.login_sent() == Some(true))
    }

    /// The image's names at the servers that may have logins of their own: mirrors, and a `server` on
    /// another host than the image's. Empty if their configuration cannot be used.
    #[must_use]
    pub fn mirror_names(&self, image: &ImageRef) -> Vec<String> {
        let servers = self.0.servers.of(image.domain()).unwrap_or_default();
        let names = servers
            .iter()
            .map(|(config, _)| name_at_mirror(config, image));
        names.flatten().collect()
    }

    /// The file, or the directory of bare certificates, that configures the servers of an image's
    /// registry.
    #[must_use]
    pub fn hosts_file(&self, image: &ImageRef) -> Option<PathBuf> {
        self.0.servers.file(image.domain())
    }

    /// What is wrong with that file where a container runtime logs it and continues.
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
