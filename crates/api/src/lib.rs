//! Wire types of the kubelet and of docker: exec plugin requests and responses, the kubelet's
//! `CredentialProviderConfig`, docker configuration files, pull secrets and credential helpers.
//!
//! Parsing only: no I/O, no runtime. Secrets are [`secrecy::SecretString`] from the moment a
//! document is read, and no error repeats text that may hold one.

pub mod docker_config;
pub mod docker_helper;
mod document;
mod duration;
mod error;
mod go_base64;
mod go_time;
mod json;
mod provider_config;
pub mod pull_record;
pub mod pull_secret;
mod request;
mod response;
mod strict;
mod value;
mod version;
mod yaml;

pub use duration::{DurationError, GoDuration};
pub use error::WireError;
pub use provider_config::{
    ConfigVersion, CredentialProviderConfig, ProviderEntry, TokenAttributes, decode_config,
};
pub use request::CredentialProviderRequest;
pub use response::{AuthConfig, CacheKeyType, CredentialProviderResponse, ResponseError};
pub use version::ApiVersion;
