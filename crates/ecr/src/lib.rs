//! Registry credentials for Amazon ECR, private and public, in every partition.

mod hosts;
mod provider;
mod vars;

use regcred_core::{Flag, ProviderSpec};

pub use provider::Ecr;

/// Amazon ECR as data: names, variables, flags.
pub const SPEC: ProviderSpec = ProviderSpec {
    name: NAME,
    title: "Amazon ECR",
    plugin_aliases: &[],
    helper_aliases: &["docker-credential-ecr-login"],
    vars: vars::VARS,
    flags: &[Flag {
        name: "also-serve",
        short: None,
        var: vars::ALSO_SERVE,
        value: Some("HOST[=REGION]"),
        doc: "Serve this host too: a CNAME or mirror of ECR",
    }],
    positional: None,
    default_cache_duration: "12h",
    new: |env, clock| Ok(Box::new(Ecr::new(env, clock)?)),
};

const NAME: &str = "ecr";
