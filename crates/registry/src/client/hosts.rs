//! The servers of a registry: containerd's `certs.d` directories with `hosts.toml` (containerd
//! `docs/hosts.md`, `core/remotes/docker/config`), else the registry itself.

mod address;
mod certificate_files;
mod config;
mod directory;
mod error;
mod fields;
mod hosts_toml;

use std::path::PathBuf;

pub(crate) use config::{HostConfig, RegistryHosts, Schemes};
pub use error::HostsError;

/// Directories in which registries are configured. A registry without any is asked directly.
#[derive(Clone, Debug, Default)]
pub struct Hosts {
    roots: Vec<PathBuf>,
    insecure: bool,
}

impl Hosts {
    /// No configuration: every registry is asked directly.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads these directories, each laid out like `/etc/containerd/certs.d`. The first one with a
    /// directory for the registry (or `_default`) decides.
    #[must_use]
    pub fn new(roots: impl IntoIterator<Item = PathBuf>) -> Self {
        Self {
            roots: roots.into_iter().collect(),
            insecure: false,
        }
    }

    /// Whether a registry without a directory of its own is asked without a check of its certificate,
    /// and over plain http where it does not speak TLS, if its name has a port: docker's `--insecure`.
    #[must_use]
    pub fn insecure(mut self, insecure: bool) -> Self {
        self.insecure = insecure;
        self
    }

    pub(crate) fn lookup(&self, registry: &str) -> Result<RegistryHosts, HostsError> {
        match self.directory(registry)? {
            Some(directory) => directory::read(&directory, registry),
            None => Ok(RegistryHosts {
                servers: if self.insecure {
                    HostConfig::insecure(registry)?
                } else {
                    HostConfig::direct(registry)?
                },
                warnings: Vec::new(),
            }),
        }
    }

    /// The file, or the directory of bare certificates, that configures a registry.
    pub(crate) fn file(&self, registry: &str) -> Option<PathBuf> {
        let directory = self.directory(registry).ok()??;
        let file = directory.join("hosts.toml");
        Some(if file.is_file() { file } else { directory })
    }

    fn directory(&self, registry: &str) -> Result<Option<PathBuf>, HostsError> {
        let mut found = self
            .roots
            .iter()
            .map(|root| directory::find(root, registry));
        found.find_map(Result::transpose).transpose()
    }
}

#[cfg(test)]
mod tests;
