//! The configuration: strict YAML, or flags and variables for a single target. [`crate::plan::Plan`] is
//! made from it.
//!
//! No field holds a secret: secrets come from the environment or from files that the configuration
//! names. `docs/kubernetes/refresh.schema.json` is the same format for editors.

mod document;
mod legacy;
mod period;
mod registry;
mod selector;
mod single_target;
mod target;

pub use document::{Config, ConfigError};
pub(crate) use document::{Intervals, LeaderElection, Limits, SCHEMA, Server};
pub use legacy::vars;
pub(crate) use period::Period;
pub(crate) use registry::{
    FILE, NamespaceIdentity, Registry, STATIC, StaticLogin, ecr_host, registry_key,
};
pub(crate) use selector::{glob, is_pattern};
pub(crate) use single_target::SingleTarget;
pub(crate) use target::{
    DockerConfigTarget, Namespaces, Ownership, SecretTarget, ServiceAccounts, Target,
};
