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

use regcred_core::{Flag, ProviderSpec};

pub use provider::Ecr;

/// Amazon ECR as data: names, variables, flags.
pub const SPEC: ProviderSpec = ProviderSpec {
    name: NAME,
    title: "Amazon ECR",
    plugin_aliases: &[],
    helper_aliases: &["docker-credential-ecr-login"],
    vars: vars::VARS,
    flags: FLAGS,
    positional: None,
    default_cache_duration: "12h",
    new: |env, clock| Ok(Box::new(Ecr::new(env, clock)?)),
};

const NAME: &str = "ecr";

const FLAGS: &[Flag] = &[
    flag(
        "also-serve",
        vars::ALSO_SERVE,
        Some("HOST[=REGION]"),
        "Serve this host too: a CNAME or mirror of ECR.",
    ),
    flag(
        "profile",
        vars::PROFILE,
        Some("NAME"),
        "Use this profile of the AWS configuration files before everything else.",
    ),
    flag(
        "role",
        vars::ROLES,
        Some("KEY=ARN|profile:NAME"),
        "Use this role or profile for a registry: the key is a host, an account number or *.",
    ),
    flag(
        "irsa-annotation",
        vars::IRSA_ANNOTATION,
        None,
        "Take a pod's role also from its annotation eks.amazonaws.com/role-arn.",
    ),
    flag(
        "require-pod-role",
        vars::REQUIRE_POD_ROLE,
        None,
        "Refuse a service account token without a role instead of using the node's identity.",
    ),
    flag(
        "plain-endpoint",
        vars::PLAIN_ENDPOINT,
        None,
        "Do not derive FIPS and dual-stack API endpoints from the registry's host name.",
    ),
];

const fn flag(
    name: &'static str,
    var: &'static str,
    value: Option<&'static str>,
    doc: &'static str,
) -> Flag {
    Flag {
        name,
        short: None,
        var,
        value,
        doc,
    }
}
