//! Registry credentials for Amazon ECR, private and public, in every partition.

mod api;
mod endpoint;
mod failure;
#[cfg(test)]
mod fake;
mod file;
mod hosts;
mod identity;
mod journal;
mod pod;
mod provider;
mod roles;
mod sdk;
mod settings;
mod shared_config;
mod sts;
mod subject;
mod transport;
mod vars;

use regcred_core::ProviderSpec;

pub use provider::Ecr;

/// Amazon ECR as data: names, variables, flags.
pub const SPEC: ProviderSpec = ProviderSpec {
    name: NAME,
    title: "Amazon ECR",
    plugin_aliases: &[],
    helper_aliases: &["docker-credential-ecr-login"],
    silent_helpers: &["docker-credential-ecr-login"],
    vars: vars::VARS,
    positional: None,
    default_cache_duration: "12h",
    new: |env, clock| Ok(Box::new(Ecr::new(env, clock)?)),
};

const NAME: &str = "ecr";
/// This provider's errors.
const ERRORS: regcred_cloud::Errors = regcred_cloud::Errors::of(NAME);
