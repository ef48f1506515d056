//! The node's configuration: the kubelet's CredentialProviderConfig and the programs it names.

mod error;
mod inspection;
mod pattern_warnings;
mod programs;
mod provider_config;
mod qualified_name;
mod validate;

pub use error::ConfigError;
pub(crate) use inspection::PluginInspection;
pub use pattern_warnings::pattern_warnings;
pub use provider_config::ProviderConfig;
