//! Registry credentials for Amazon ECR, private and public, in every partition.

mod api_failure;
mod authorization_token;
mod current_step;
mod decision;
mod endpoint;
#[cfg(test)]
mod fake;
mod hosts;
mod identity;
mod jwt_subject;
mod pod;
mod provider;
mod refusal;
mod roles;
mod sdk;
mod settings;
mod shared_config;
mod sts;
mod token_file;
mod transport;
mod vars;

use regcred_cloud::Errors;

pub use provider::{Ecr, SPEC};

const NAME: &str = "ecr";
const TITLE: &str = "Amazon ECR";
const ERRORS: Errors = Errors::of(NAME);
