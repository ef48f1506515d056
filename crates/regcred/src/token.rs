//! `regcred token`: prints the credential that a provider issues for a registry, or existing logins as
//! a docker configuration or a Secret.

use std::time::Instant;

use regcred_core::Env;
use regcred_plugin::output::SecretName;
use regcred_plugin::run_token;
use regcred_run::{DEADLINE, ProgramError, with_streams};

use crate::cli::TokenArgs;
use crate::import::{self, Import};
use crate::login::DOCKER_HUB;

pub(crate) fn run(args: TokenArgs, env: &Env) -> Result<(), ProgramError> {
    let secret = SecretName {
        name: args.name,
        namespace: args.namespace,
    };
    let import = if let Some(path) = args.from_file {
        let registries = args.images;
        Import::File { path, registries }
    } else {
        let server = match &args.images[..] {
            [one] => one,
            [] => DOCKER_HUB,
            _ => {
                let message = "expected one registry: only --from-file accepts several";
                return Err(ProgramError::usage(message));
            }
        };
        let Some(username) = args.username else {
            let specs = regcred_providers::all();
            return run_token(&specs, env, server, args.output, &secret);
        };
        Import::Login {
            server: server.to_owned(),
            username,
            email: args.email.unwrap_or_default(),
        }
    };
    with_streams(Instant::now() + DEADLINE, |streams| {
        import::run(&import, args.output, &secret, streams)
    })
}
