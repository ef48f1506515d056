//! Oracle Cloud Infrastructure Registry (`ocir.io` and its counterparts in every realm): the
//! registry token of every Oracle principal.
//!
//! The identity is chosen before anything is sent, and whatever is chosen decides: when it fails,
//! no other is tried. `OCIR_AUTH_METHOD` or `OCI_CLI_AUTH` names one; else it is the first of
//!
//! 1. a foreign token, at the identity domain that a variable names (token exchange),
//! 2. the pod's service account token that the kubelet sent (OKE workload identity),
//! 3. an auth token with its user name,
//! 4. the resource principal that `OCI_RESOURCE_PRINCIPAL_VERSION` describes,
//! 5. the user whose credentials, configuration file or profile a variable names,
//! 6. the instance.
//!
//! `~/.oci/config` is read only for a user, so a file that happens to be there never replaces the
//! instance.
//!
//! Every identity but the auth token becomes a `signer::Signer`; the registry's token endpoint
//! takes a request that it signed. Keys are RSA and sign by ring.

mod certificate;
mod config_file;
mod home_path;
mod hosts;
mod identity;
mod imds;
mod key;
mod pem;
mod plugin_config;
mod provider;
mod regions;
mod registry;
mod service_error;
mod session;
mod session_key;
mod sessions;
mod settings;
mod signed_call;
mod signer;
mod vars;

use regcred_cloud::Errors;

pub use provider::{Ocir, SPEC};

/// The provider's name in errors, caches and programs.
const NAME: &str = "ocir";
/// This provider's errors.
const ERRORS: Errors = Errors::of(NAME);
