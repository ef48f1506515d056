//! IBM Cloud Container Registry (`icr.io`): an IAM access token for every IBM identity.
//!
//! The identity is chosen in this order, and the first that is named decides; when it fails, that
//! is the answer:
//!
//! 1. The pod's service account token (KEP-4412) with a trusted profile.
//! 2. What `IBMCLOUD_AUTH_TYPE` says.
//! 3. A compute resource token (projected service account token) with a trusted profile.
//! 4. A bearer token, an API key (with a trusted profile: that profile is assumed), or a refresh
//!    token.
//! 5. The VPC instance's metadata server.

mod api_key;
mod compute_resource;
mod failure;
mod hosts;
mod iam;
mod identity;
mod profile;
mod provider;
mod reach;
mod settings;
mod token;
mod vars;
mod vpc;

pub use provider::{Icr, SPEC};

/// The provider's name in errors, caches and programs.
const NAME: &str = "icr";
/// This provider's errors.
const ERRORS: regcred_cloud::Errors = regcred_cloud::Errors::of(NAME);
