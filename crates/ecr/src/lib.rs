//! Registry credentials for Amazon ECR, private and public, in every partition.

mod api_failure;
mod authorization_token;
mod decision;
mod endpoint;
mod hosts;
mod identity;
mod jwt_subject;
mod pod;
mod provider;
mod roles;
mod sdk;
mod settings;
mod shared_config;
mod sts;
mod transport;
mod vars;

use regcred_cloud::Errors;

pub use provider::{Ecr, SPEC};

/// The provider's name in errors, caches and programs.
const NAME: &str = "ecr";
/// Its title in messages and pages.
const TITLE: &str = "Amazon ECR";
/// This provider's errors.
const ERRORS: Errors = Errors::of(NAME);
