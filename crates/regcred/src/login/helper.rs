//! Logins in a credential helper, which docker asks instead of reading its file.

use std::collections::BTreeMap;

use regcred_api::docker_helper::HelperCredentials;
use regcred_core::{Credentials, Env};
use regcred_exec::{Exec, find_program};
use regcred_run::{DEADLINE, ProgramError, block_on, exit_code};
use secrecy::zeroize::Zeroizing;
use serde::de::IgnoredAny;

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

/// Removes the login under one key.
pub(super) fn erase(name: &str, server: &str, env: &Env) -> Result<(), ProgramError> {
    run(name, "erase", server.as_bytes().to_vec(), env).map(drop)
}

/// The keys under which a helper has logins.
pub(super) fn servers(name: &str, env: &Env) -> Result<Vec<String>, ProgramError> {
    let listed = run(name, "list", Vec::new(), env)?;
    // Each key with its user name, which is not needed.
    let listed: BTreeMap<String, IgnoredAny> = serde_json::from_slice(&listed).map_err(|_| {
        let program = program(name);
        ProgramError::not_configured(format!("{program} list did not answer with a JSON object"))
    })?;
    Ok(listed.into_keys().collect())
}

/// Whether a helper is one that gets a login at each use and stores none.
pub(super) fn stores_none(name: &str) -> bool {
    multicall::providers_of(&program(name)).is_some()
}

fn program(name: &str) -> String {
    format!("docker-credential-{name}")
}

fn run(
    name: &str,
    action: &str,
    input: Vec<u8>,
    env: &Env,
) -> Result<Zeroizing<Vec<u8>>, ProgramError> {
    let program = program(name);
    if stores_none(name) {
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
    let ended = block_on(started.run())?.map_err(|error| {
        let code = exit_code::NOT_CONFIGURED;
        ProgramError::new(code, format!("{program} {action} failed: {error}"))
    })?;
    Ok(ended.stdout)
}
