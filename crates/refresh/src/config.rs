//! The configuration file: strict YAML, from which [`crate::plan::Plan`] is made.
//!
//! No field holds a secret: secrets come from the environment or from files that the configuration
//! names. `docs/kubernetes/refresh.schema.json` is the same format for editors.

mod peers;
mod registry;
mod simple;
mod target;

use std::net::SocketAddr;
use std::time::Duration;

use regcred_api::GoDuration;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use peers::VARS;
pub use registry::{NamespaceIdentity, Registry, StaticLogin};
pub use simple::{Simple, simple_from};
pub(crate) use simple::{ecr_host, plain_host};
pub(crate) use target::{CONFIG_JSON, DOCKERCFG, glob, is_pattern};
pub use target::{
    DockerConfigTarget, LabelSelector, MatchExpression, Namespaces, Operator, Ownership,
    SecretTarget, ServiceAccounts, Target,
};

/// The whole file.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// `refresh.regcred.dev/v1`.
    pub api_version: String,
    /// `RefreshConfiguration`.
    pub kind: String,
    /// Where tokens come from.
    pub registries: Vec<Registry>,
    /// Where they are written to.
    pub targets: Vec<Target>,
    /// When things happen.
    #[serde(default)]
    pub intervals: Intervals,
    /// How fast the API server is asked.
    #[serde(default)]
    pub limits: Limits,
    /// Health, metrics and status page of the daemon.
    #[serde(default)]
    pub server: Server,
    /// Which of several daemons works.
    #[serde(default)]
    pub leader_election: LeaderElection,
}

/// When things happen.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Intervals {
    /// How often each written object is looked at, and restored where somebody changed it.
    pub reapply: Period,
    /// The first pause after a failed token request; it doubles, up to `retryCap`.
    pub retry: Period,
    /// The longest pause between token requests that fail.
    pub retry_cap: Period,
}

/// How fast the API server is asked.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Limits {
    /// Objects worked on at the same time.
    pub parallel: usize,
    /// Requests a second; 0 for no limit.
    pub requests_per_second: u32,
}

/// Health, metrics and status page of the daemon.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Server {
    /// Address and port to listen on.
    pub address: SocketAddr,
}

/// Which of several daemons works.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LeaderElection {
    /// Off for a single replica that is never rolled over.
    pub enabled: bool,
    /// Name of the Lease.
    pub name: String,
    /// Its namespace; by default the pod's own.
    pub namespace: Option<String>,
    /// After how long without renewal another one takes over.
    pub lease_duration: Period,
}

/// A length of time, written as Go writes one: `1h30m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(pub Duration);

/// A configuration that cannot be used; the text says where and why.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub(crate) String);

impl Config {
    /// Reads a file's text, YAML or JSON.
    ///
    /// # Errors
    /// On unknown or repeated fields, wrong types, and another `apiVersion` or `kind`.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let config: Self = serde_saphyr::from_str(text).map_err(|error| {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            ConfigError(format!("the configuration cannot be read: {first}"))
        })?;
        if config.api_version != API_VERSION || config.kind != KIND {
            return Err(ConfigError(format!(
                "expected apiVersion {API_VERSION} and kind {KIND}"
            )));
        }
        Ok(config)
    }

    /// A configuration with these registries and targets and the default for everything else.
    #[must_use]
    pub fn of(registries: Vec<Registry>, targets: Vec<Target>) -> Self {
        Self {
            api_version: API_VERSION.to_owned(),
            kind: KIND.to_owned(),
            registries,
            targets,
            intervals: Intervals::default(),
            limits: Limits::default(),
            server: Server::default(),
            leader_election: LeaderElection::default(),
        }
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

impl Period {
    /// So many seconds.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }
}

impl std::str::FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let go: GoDuration = text
            .parse()
            .map_err(|_| format!("{text:?} is no length of time such as 90s or 1h30m"))?;
        u64::try_from(go.0)
            .map(|nanos| Self(Duration::from_nanos(nanos)))
            .map_err(|_| format!("{text:?} is negative"))
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let nanos = i64::try_from(self.0.as_nanos()).unwrap_or(i64::MAX);
        serializer.collect_str(&GoDuration(nanos))
    }
}

/// The format for editors.
pub const SCHEMA: &str = include_str!("../../../docs/kubernetes/refresh.schema.json");

pub(crate) const API_VERSION: &str = "refresh.regcred.dev/v1";
pub(crate) const KIND: &str = "RefreshConfiguration";

#[cfg(test)]
mod tests;
