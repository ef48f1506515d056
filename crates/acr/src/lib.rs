//! Azure Container Registry (`azurecr.io`, and its names in sovereign and custom clouds): the
//! registry's own refresh token for every identity that Entra ID knows.
//!
//! The identity is chosen in this order, and the first that is named decides; when it fails, no
//! other is tried:
//!
//! 1. The pod's service account token (KEP-4412), by AKS identity bindings or as a workload
//!    identity.
//! 2. A login for that very registry: admin user or repository-scoped token.
//! 3. The one that variables name: client secret, certificate, federated token, managed identity.
//! 4. The one that azure.json names.
//! 5. The machine's managed identity; without one, the Azure CLI's login.
//!
//! Its Entra token is traded at the registry for the registry's refresh token. Secrets of service
//! principals go to Entra ID and nowhere else, unless `--login secret` asks for the old login.

mod aadsts;
mod application;
mod audience;
mod azure_cli;
mod azure_json;
mod binding_token;
mod bindings;
mod certificate;
mod entra;
mod entra_token;
mod environment;
mod environment_file;
mod exchange;
mod hosts;
mod identity;
mod identity_choice;
mod identity_endpoint;
mod machine;
mod managed_id;
mod mirror;
mod node_identity;
mod provider;
mod sdk;
mod settings;
mod static_login;
#[cfg(test)]
mod testing;
mod transport;
mod vars;
mod virtual_machine;

use regcred_cloud::Errors;

pub use provider::{Acr, SPEC};

/// The provider's name in errors, caches and programs.
const NAME: &str = "acr";
/// This provider's errors.
const ERRORS: Errors = Errors::of(NAME);
