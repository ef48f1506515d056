//! The kubelet's image path.

#[cfg(test)]
mod bench;
mod config;
mod plugin;
mod policy;
mod quote;
mod register;
mod service_account;

pub use config::{ConfigError, ProviderConfig};
pub use plugin::{Plugin, PluginError, Provision, SkipReason};
pub use policy::{PullPolicy, UnknownPullPolicy};
pub use register::{find_plugin, inspect_bin_dir};
pub use service_account::{PodServiceAccount, ServiceAccount, ServiceAccountError, TokenFile};
