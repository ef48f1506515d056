//! Azure Container Registry (`azurecr.io` and its sovereign and custom kin): the registry's own
//! refresh token for every identity that Entra ID knows.
//!
//! The identity is chosen in this order, and the first that is named decides; when it fails, that
//! is the answer:
//!
//! 1. The pod's service account token (KEP-4412), by AKS identity bindings or as a workload
//!    identity.
//! 2. A login for that very registry: admin user or repository-scoped token.
//! 3. What variables name: client secret, certificate, federated token, managed identity.
//! 4. What azure.json names.
//! 5. The machine's managed identity; where there is none, the Azure CLI's login.
//!
//! Its Entra token is traded at the registry for the registry's refresh token. Secrets of service
//! principals go to Entra ID and nowhere else, unless that old login is asked for.

mod aadsts;
mod azure_json;
mod bindings;
mod certificate;
mod cloud;
mod exchange;
mod failure;
mod hosts;
mod identity;
mod managed_identity;
mod mirror;
mod node;
mod provider;
mod reach;
mod sdk;
mod secret_file;
mod settings;
mod static_login;
#[cfg(test)]
mod testing;
mod token;
mod transport;
mod vars;

pub use provider::{Acr, SPEC};

/// The provider's name in errors, caches and programs.
const NAME: &str = "acr";
/// This provider's errors.
const ERRORS: regcred_cloud::Errors = regcred_cloud::Errors::of(NAME);
