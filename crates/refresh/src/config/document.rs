//! The file as a whole, and its settings with their defaults.

use std::net::SocketAddr;
use std::path::{Path, absolute};

use serde::{Deserialize, Serialize};

use super::period::Period;
use super::registry::Registry;
use super::target::Target;

/// The configuration file.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    pub(crate) api_version: ApiVersion,
    pub(crate) kind: Kind,
    /// The registries whose logins are kept fresh.
    pub(crate) registries: Vec<Registry>,
    /// Where the logins are written to.
    pub(crate) targets: Vec<Target>,
    /// Periods of the work.
    #[serde(default)]
    pub(crate) intervals: Intervals,
    /// Limits on requests to the API server.
    #[serde(default)]
    pub(crate) limits: Limits,
    /// The daemon's endpoint for health, metrics and the status page.
    #[serde(default)]
    pub(crate) server: Server,
    /// Election of the one daemon that works.
    #[serde(default)]
    pub(crate) leader_election: LeaderElection,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub(crate) enum ApiVersion {
    #[default]
    #[serde(rename = "refresh.regcred.dev/v1")]
    V1,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub(crate) enum Kind {
    #[default]
    RefreshConfiguration,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Intervals {
    /// How often each written object is checked, and restored if it has changed.
    pub(crate) reapply: Period,
    /// The pause after the first failed token request; it doubles with each failure, up to `retryCap`.
    pub(crate) retry: Period,
    /// The longest pause between failed token requests.
    pub(crate) retry_cap: Period,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Limits {
    /// Objects processed at the same time.
    pub(crate) parallel: usize,
    /// Requests per second; 0 means unlimited.
    pub(crate) requests_per_second: u32,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Server {
    /// Address and port to listen on.
    pub(crate) address: SocketAddr,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct LeaderElection {
    /// False only for a single replica without rolling updates.
    pub(crate) enabled: bool,
    pub(crate) name: String,
    /// Namespace of the Lease; defaults to the pod's own.
    pub(crate) namespace: Option<String>,
    /// How long after the last renewal another replica takes over.
    pub(crate) lease_duration: Period,
}

/// The configuration is invalid; the message says where and why.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub(crate) String);

impl Config {
    /// Parses the file's text, YAML or JSON.
    ///
    /// # Errors
    /// For unknown or repeated fields, wrong types, and another `apiVersion` or `kind`.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        serde_saphyr::from_str(text).map_err(|error| {
            let text = error.to_string();
            ConfigError(text.lines().next().unwrap_or_default().to_owned())
        })
    }

    /// Makes every path absolute: a relative one counts from this directory.
    ///
    /// # Errors
    /// When the current directory is needed and cannot be read.
    pub(crate) fn resolve(&mut self, directory: &Path) -> Result<(), ConfigError> {
        let registries = self.registries.iter_mut().flat_map(|registry| {
            let login = registry.login.iter_mut();
            let password = login.filter_map(|login| login.password_file.as_mut());
            let named = registry.path.iter_mut().chain(password);
            named.chain(registry.env_files.values_mut())
        });
        let files = self.targets.iter_mut();
        let files = files.filter_map(|target| Some(&mut target.docker_config.as_mut()?.path));
        for path in registries.chain(files) {
            if path.as_os_str().is_empty() {
                continue;
            }
            *path = absolute(directory.join(&path)).map_err(|error| {
                ConfigError(format!("{} cannot be resolved: {error}", path.display()))
            })?;
        }
        Ok(())
    }
}

impl Default for Intervals {
    fn default() -> Self {
        Self {
            reapply: Period::seconds(15 * 60),
            retry: Period::seconds(5),
            retry_cap: Period::seconds(300),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            parallel: 8,
            requests_per_second: 100,
        }
    }
}

impl Default for Server {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([0, 0, 0, 0], 8080)),
        }
    }
}

impl Default for LeaderElection {
    fn default() -> Self {
        Self {
            enabled: true,
            name: "regcred-refresh".to_owned(),
            namespace: None,
            lease_duration: Period::seconds(15),
        }
    }
}

/// The JSON schema of the file, for editors.
pub(crate) const SCHEMA: &str = include_str!("../../../../docs/kubernetes/refresh.schema.json");

#[cfg(test)]
mod tests;
