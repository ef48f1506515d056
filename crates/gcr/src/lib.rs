//! Google Container Registry and Artifact Registry: whom a Google token may go to, and every way
//! to get one.
//!
//! The identity is looked for in this order:
//!
//! 1. The pod's service account token (KEP-4412), exchanged at Google's Security Token Service,
//!    when the pod's service account asks for it. It never falls back to the node's identity.
//! 2. The file named by `GOOGLE_APPLICATION_CREDENTIALS`, then gcloud's well-known file. A file
//!    that is there but cannot be used is an error, not a reason to look further.
//! 3. The metadata server of the machine.
//! 4. The `gcloud` program.
//!
//! Steps 2 to 4 can be cut and reordered by `REGCRED_GCR_TOKEN_SOURCES`. Whatever they give can be
//! traded for the token of another service account (`REGCRED_GCR_IMPERSONATE`).

mod authorized_user;
mod cache_key;
mod credential_file;
mod dockercfg;
mod endpoints;
mod external_account;
mod external_user;
mod failure;
mod gcloud;
mod gcloud_dir;
mod hosts;
mod impersonation;
mod jwt;
mod metadata;
mod node;
mod pod;
mod provider;
mod reach;
mod sdk;
mod service_account;
mod settings;
mod sigv4;
mod sts;
#[cfg(test)]
mod testing;
mod token;
mod trusted;
mod vars;

pub use provider::{Gcr, SPEC};

/// The provider's name in errors, caches and programs.
const NAME: &str = "gcr";
/// This provider's errors.
const ERRORS: regcred_cloud::Errors = regcred_cloud::Errors::of(NAME);
