//! Wire types of the kubelet and of docker: exec plugin requests and responses, the kubelet's
//! `CredentialProviderConfig`, docker configuration files, pull secrets and credential helpers.
//!
//! Parsing only: no I/O, no runtime. Secrets are [`secrecy::SecretString`] from the moment a
//! document is read, and no error repeats text that may hold one.

pub mod docker_config;
pub mod docker_helper;
mod document;
mod provider_config;
pub mod pull_record;
pub mod pull_secret;
mod request;
mod response;
mod version;

pub use provider_config::{
    CredentialProviderConfig, ProviderEntry, TokenAttributes, decode_config,
};
pub use regcred_go::{DecodeError, GoDuration};
pub use request::CredentialProviderRequest;
pub use response::{CredentialProviderResponse, ResponseError};
pub use version::{ApiVersion, ConfigVersion, RecordVersion};
