//! What a registry credential provider is: the trait, the request, the answer, and the names of
//! registries and images. Without I/O and without foreign wire formats.

mod also_serve;
mod cache_key;
mod clock;
mod credentials;
mod env;
mod error;
mod fingerprint;
mod foreign_text;
mod glob;
mod issued;
mod known_secrets;
mod option;
mod pattern;
mod plan;
mod pod_service_account;
mod provider;
mod reference;
mod registry_host;
mod secret_text;
mod spec;
mod url_text;

pub use also_serve::AlsoServe;
pub use cache_key::CacheKey;
pub use clock::Clock;
pub use credentials::Credentials;
pub use env::Env;
pub use error::{ErrorKind, FailedCall, ProviderError, report};
pub use fingerprint::{fingerprint, hex};
pub use foreign_text::{is_shown, plain, plain_lines, shown, shown_json, without_secrets};
pub use glob::glob_matches;
pub use issued::{CacheScope, Issued};
pub use known_secrets::{is_secret_name, know_secret};
pub use option::{EnvVar, Flag, Role};
pub use pattern::ImagePattern;
pub use plan::Plan;
pub use pod_service_account::{
    PodServiceAccount, ServiceAccount, ServiceAccountCoordinates, ServiceAccountError,
};
pub use provider::{CredentialRequest, PodTokens, Provider};
pub use reference::{ImageRef, ReferenceError};
pub use regcred_go::UrlError;
pub use registry_host::RegistryHost;
pub use secret_text::SecretText;
pub use spec::{HelperSettings, NewProvider, ProviderSpec, ReplacedHelper};
