//! The node's configuration: the kubelet's CredentialProviderConfig and the programs it names.

mod pattern_warnings;
mod programs;
mod provider_config;
mod qualified_name;
mod validate;

pub use pattern_warnings::pattern_warnings;
pub(crate) use programs::register;
pub use programs::{find_plugin, inspect_bin_dir};
pub use provider_config::{ConfigError, ProviderConfig};
