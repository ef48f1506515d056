//! IBM Cloud Container Registry (`icr.io`): an IAM access token for every IBM identity.
//!
//! The identity is chosen in this order, and the first that is configured decides; when it fails,
//! no other is tried:
//!
//! 1. The pod's service account token (KEP-4412) with a trusted profile.
//! 2. The one that `IBMCLOUD_AUTH_TYPE` selects.
//! 3. A compute resource token (projected service account token) with a trusted profile.
//! 4. A bearer token, an API key (with a trusted profile: that profile is assumed), or a refresh
//!    token.
//! 5. The VPC instance's metadata server.

mod advice;
mod api_key;
mod compute_resource;
mod hosts;
mod iam;
mod identity;
mod profile;
mod provider;
mod settings;
mod vars;
mod vpc;

use regcred_cloud::Errors;

pub use provider::{Icr, SPEC};

/// The provider's name in errors, caches and programs.
const NAME: &str = "icr";
/// This provider's errors.
const ERRORS: Errors = Errors::of(NAME);
