//! Google Container Registry and Artifact Registry: which registries a Google token may go to, and
//! every way to obtain one.
//!
//! The identity is looked for in this order:
//!
//! 1. The pod's service account token (KEP-4412), exchanged at Google's Security Token Service,
//!    when the pod's service account asks for it. It never falls back to the node's identity.
//! 2. The file named by `GOOGLE_APPLICATION_CREDENTIALS`, then gcloud's well-known file. A file
//!    that exists but cannot be used is an error, not a reason to look further.
//! 3. The metadata server of the machine.
//! 4. The `gcloud` program.
//!
//! Steps 2 to 4 can be reduced and reordered by `REGCRED_GCR_TOKEN_SOURCES`. Their token can be
//! traded for that of another service account (`REGCRED_GCR_IMPERSONATE`).

mod ambient;
mod call;
mod credential_file;
mod docker_credential_gcr;
mod dockercfg;
mod endpoints;
mod external_account;
mod file_identity;
mod gcloud;
mod hosts;
mod identity;
mod impersonation;
mod json_fields;
mod metadata;
mod pod;
mod provider;
mod resource_names;
#[cfg(not(target_feature = "crt-static"))]
mod sdk;
mod service_account;
mod settings;
mod sigv4;
mod sts;
#[cfg(test)]
mod testing;
mod trusted_urls;
mod user_login;
mod vars;
#[cfg(target_feature = "crt-static")]
mod without_sdk;

use regcred_cloud::Errors;
#[cfg(target_feature = "crt-static")]
use without_sdk as sdk;

pub use provider::{Gcr, SPEC};

/// The provider's name in errors, caches and programs.
const NAME: &str = "gcr";
/// This provider's errors.
const ERRORS: Errors = Errors::of(NAME);
