//! `regcred login`: the login for a registry in docker's or podman's file, from the provider that serves
//! the registry or from the command line.

mod file;
mod helper;
pub(crate) mod logout;

use std::io::{self, IsTerminal as _};
use std::time::Instant;

use chrono::SecondsFormat;
use console::Term;
use regcred_core::{Credentials, Env};
use regcred_docker_config::{DockerFile, EntryForm};
use regcred_plugin::{ask_login, output::RegistryLogin};
use regcred_registry::{Hosts, RegistryClient};
use regcred_run::{DEADLINE, ProgramError, block_on_until_signal, exit_code, output, with_streams};

pub(crate) use file::DOCKER_HUB;
pub use file::VARS;

use crate::cli::LoginArgs;
use crate::import::{check_login, note_oddities, password};
use file::{LoginFile, Server};

pub(crate) fn run(args: LoginArgs, env: &Env) -> Result<(), ProgramError> {
    let server = Server::parse(args.host.as_deref())?;
    let file = LoginFile::of(&args.file, env)?;
    let (login, expires_at) = match args.username {
        Some(username) => (given(&server, username, args.password_stdin, env)?, None),
        None => {
            let RegistryLogin {
                credentials,
                expires_at,
                ..
            } = ask_login(&regcred_providers::all(), env, &server.host).map_err(or_by_name)?;
            (credentials, expires_at)
        }
    };
    let user = login.username.clone();
    let place = store(&file, &server, login, env)?;
    let until = expires_at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true));
    let until = until.map_or_else(String::new, |at| format!("; it expires at {at}"));
    output::line(&format!(
        "logged in to {} as {user}: stored in {place}{until}",
        server.host
    ))
}

/// A registry that no provider serves may have a login of its own.
fn or_by_name(error: ProgramError) -> ProgramError {
    if error.exit_code() == exit_code::NOT_SERVED {
        error.reworded(|text| format!("{text}, or pass a login with --username"))
    } else {
        error
    }
}

/// The login of the command line, which the registry accepts.
fn given(
    server: &Server,
    username: String,
    from_stdin: bool,
    env: &Env,
) -> Result<Credentials, ProgramError> {
    check_login(&server.host, &username)?;
    let secret = if from_stdin {
        with_streams(Instant::now() + DEADLINE, password)?
    } else if io::stdin().is_terminal() {
        let mut terminal = Term::stderr();
        let typed = io::Write::write_all(&mut terminal, b"Password: ")
            .and_then(|()| terminal.read_secure_line());
        typed
            .map_err(|error| ProgramError::usage(format!("cannot read the password: {error}")))?
            .into()
    } else {
        return Err(ProgramError::usage(
            "a terminal is needed to ask for the password: pass it with --password-stdin",
        ));
    };
    let login = Credentials::new(username, secret);
    with_streams(Instant::now(), |streams| {
        note_oddities(&server.host, &login.oddities(), streams);
    });
    let client = RegistryClient::new(env, Hosts::none()).map_err(ProgramError::not_configured)?;
    let host = &server.host;
    let asked = block_on_until_signal(async {
        let accepted = client.log_in(host, &login).await;
        accepted.map_err(|error| {
            let user = &login.username;
            let message = if error.credential_refused() {
                format!("{host} does not accept the login of {user}")
            } else {
                format!("{host} was not asked whether it accepts the login of {user}")
            };
            let code = exit_code::of(error.kind());
            ProgramError::new(code, format!("{message}: {}", regcred_core::report(&error)))
        })
    })?;
    if !asked {
        output::note(&format!(
            "{host} answers without a login: whether this one is right is not known"
        ));
    }
    Ok(login)
}

/// Stores the login where docker looks for it; returns the place.
fn store(
    file: &LoginFile,
    server: &Server,
    login: Credentials,
    env: &Env,
) -> Result<String, ProgramError> {
    let mut asked_helper = None;
    let edited = DockerFile::new(&file.path).edit(false, |document| {
        asked_helper = document.helper_of(&server.key)?;
        if asked_helper.is_none() {
            document.set(&server.key, &(&login).into(), EntryForm::AuthOnly);
        }
        Ok(())
    });
    edited.map_err(ProgramError::not_configured)?;
    match asked_helper {
        Some(name) => helper::store(&name, server, login, env),
        None => Ok(file.path.display().to_string()),
    }
}
