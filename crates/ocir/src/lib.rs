//! Oracle Cloud Infrastructure Registry (`ocir.io` and its kin in every realm): the registry token
//! of every Oracle principal.
//!
//! The principal is chosen before anything is sent, and whatever is chosen decides: when it fails,
//! that is the answer. `OCIR_AUTH_METHOD` or `OCI_CLI_AUTH` names one; else it is the first of
//!
//! 1. a foreign token, at the identity domain that a variable names (token exchange),
//! 2. the pod's service account token that the kubelet sent (OKE workload identity),
//! 3. an auth token with its user name,
//! 4. the resource principal that `OCI_RESOURCE_PRINCIPAL_VERSION` speaks of,
//! 5. the user whose credentials, configuration file or profile a variable names,
//! 6. the instance.
//!
//! `~/.oci/config` is read only for a user, so a file that happens to lie there never replaces the
//! instance.
//!
//! Every principal but the auth token becomes a `signer::Signer`; the registry's token endpoint
//! takes a request that it signed. Keys are RSA and sign by ring.

mod call;
mod certificate;
mod claims;
mod config_file;
mod failure;
mod hosts;
mod imds;
mod key;
mod pem;
mod plugin_config;
mod principal;
mod provider;
mod reach;
mod regions;
mod registry;
mod secret_file;
mod session;
mod settings;
mod signer;
mod vars;

pub use provider::{Ocir, SPEC};

/// The provider's name in errors, caches and programs.
const NAME: &str = "ocir";
/// This provider's errors.
const ERRORS: regcred_cloud::Errors = regcred_cloud::Errors::of(NAME);
