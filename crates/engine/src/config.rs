//! The node's configuration: the kubelet's CredentialProviderConfig and the programs it names.

mod entry_problem;
mod error;
mod inspection;
mod pattern_doubts;
mod programs;
mod provider_config;
mod qualified_name;
mod validate;

pub use entry_problem::EntryProblem;
pub use error::{ConfigError, EntryOrigin};
pub(crate) use inspection::PluginInspection;
pub use pattern_doubts::{PatternDoubt, pattern_doubts};
pub use provider_config::ProviderConfig;
