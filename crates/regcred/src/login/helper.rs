//! Logins in a credential helper, which docker asks instead of reading its file.

use regcred_api::docker_helper::HelperCredentials;
use regcred_core::{Credentials, Env};
use regcred_exec::{Exec, find_program};
use regcred_run::{DEADLINE, ProgramError, block_on, exit_code};

use super::file::Server;
use crate::multicall;

/// Stores a login; returns the place.
pub(super) fn store(
    name: &str,
    server: &Server,
    login: Credentials,
    env: &Env,
) -> Result<String, ProgramError> {
    let login = HelperCredentials {
        server_url: server.key.clone(),
        username: login.username,
        secret: login.password,
    };
    run(name, "store", login.to_vec(), env)?;
    Ok(program(name))
}

/// Removes a registry's login.
pub(super) fn erase(name: &str, server: &str, env: &Env) -> Result<(), ProgramError> {
    run(name, "erase", server.as_bytes().to_vec(), env)
}

fn program(name: &str) -> String {
    format!("docker-credential-{name}")
}

fn run(name: &str, action: &str, input: Vec<u8>, env: &Env) -> Result<(), ProgramError> {
    let program = program(name);
    if multicall::providers_of(&program).is_some() {
        return Err(ProgramError::not_configured(format!(
            "docker asks {program} for this registry at each use, which stores no login; remove it \
             from credHelpers and credsStore to store one"
        )));
    }
    let path = find_program(&program, env.get("PATH").unwrap_or_default()).ok_or_else(|| {
        ProgramError::not_configured(format!(
            "docker asks {program} for this registry, and it is not in PATH; install it, or remove it \
             from credHelpers and credsStore"
        ))
    })?;
    let started = Exec::new(path)
        .args([action])
        .stdin(input)
        .deadline(DEADLINE);
    block_on(started.run())?.map_err(|error| {
        let code = exit_code::NOT_CONFIGURED;
        ProgramError::new(code, format!("{program} {action} failed: {error}"))
    })?;
    Ok(())
}
