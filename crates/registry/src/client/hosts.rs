//! The servers of a registry: containerd's `certs.d` directories with `hosts.toml` (containerd
//! `docs/hosts.md`, `core/remotes/docker/config`), else the registry itself.

mod config;
mod directory;
mod error;
mod hosts_toml;

use std::path::PathBuf;

pub(crate) use config::HostConfig;
pub use error::HostsError;

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

    /// Reads these directories, each laid out like `/etc/containerd/certs.d`. The first one with a
    /// directory for the registry (or `_default`) decides.
    #[must_use]
    pub fn new(roots: impl IntoIterator<Item = PathBuf>) -> Self {
        Self {
            roots: roots.into_iter().collect(),
        }
    }

    /// The servers to ask for a registry, in order; the last is the registry itself or its
    /// `server`.
    pub(crate) fn lookup(&self, registry: &str) -> Result<Vec<HostConfig>, HostsError> {
        let mut roots = self.roots.iter();
        match roots.find_map(|root| directory::find(root, registry)) {
            Some(directory) => directory::read(&directory, registry),
            None => HostConfig::direct(registry),
        }
    }

    /// The file, or the directory of bare certificates, that configures a registry.
    pub(crate) fn file(&self, registry: &str) -> Option<PathBuf> {
        let mut roots = self.roots.iter();
        let directory = roots.find_map(|root| directory::find(root, registry))?;
        let file = directory.join("hosts.toml");
        Some(if file.is_file() { file } else { directory })
    }
}

#[cfg(test)]
mod tests;
