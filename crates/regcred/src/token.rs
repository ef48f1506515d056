//! `regcred token`: prints the credential that a provider issues for a registry, or existing logins as
//! a docker configuration or a Secret.

use std::process::ExitCode;

use regcred_core::Env;
use regcred_plugin::output::SecretName;
use regcred_plugin::{Import, run_import, run_token};
use regcred_run::{exit_code, init_logging, output};
use tracing::level_filters::LevelFilter;

use crate::cli::TokenArgs;

pub(crate) fn run(args: TokenArgs, env: &Env) -> ExitCode {
    init_logging(env, LevelFilter::WARN);
    let secret = SecretName {
        name: args.name,
        namespace: args.namespace,
    };
    if let Some(path) = args.from_file {
        let registries = args.images;
        return run_import(&Import::File { path, registries }, args.output, &secret);
    }
    let server = match &args.images[..] {
        [one] => one,
        [] => DOCKER_HUB,
        _ => {
            output::note("expected one registry: only --from-file accepts several");
            return ExitCode::from(exit_code::USAGE);
        }
    };
    let Some(username) = args.username else {
        let specs = regcred_providers::all();
        return run_token(&specs, env, Some(server), args.output, &secret);
    };
    let login = Import::Login {
        server: server.to_owned(),
        username,
        email: args.email.unwrap_or_default(),
    };
    run_import(&login, args.output, &secret)
}

/// The key that docker and `kubectl` write for Docker Hub.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";
