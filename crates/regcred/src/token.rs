//! `regcred token`: the provider that serves the registry prints its credential.

use std::process::ExitCode;

use regcred_core::Env;
use regcred_plugin::output::SecretName;
use tracing::level_filters::LevelFilter;

use crate::cli::TokenArgs;

pub(crate) fn run(args: &TokenArgs, env: &Env) -> ExitCode {
    regcred_plugin::init_logging(env, LevelFilter::WARN);
    let secret = SecretName {
        name: args.name.clone(),
        namespace: args.namespace.clone(),
    };
    let specs = regcred_providers::all();
    regcred_plugin::run_token(&specs, env, Some(&args.image), args.output, &secret)
}
