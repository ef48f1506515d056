//! Existing logins, or one from the command line, as a docker configuration or a pull secret: what
//! `kubectl create secret docker-registry` makes, without a password among the arguments.

use std::path::{Path, PathBuf};

use regcred_core::{Credentials, RegistryHost};
use regcred_docker_config::{EntryLogin, ImportPlan, config_json};
use regcred_plugin::output::{SecretName, TokenOutput};
use regcred_run::{ProgramError, Streams};
use secrecy::SecretString;

use crate::named_file::STDIN;

/// The logins to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Import {
    /// Logins of a docker configuration.
    File {
        /// The `config.json`.
        path: PathBuf,
        /// Only the logins of these registries; of all if it is empty.
        registries: Vec<String>,
    },
    /// One login, whose password is read from standard input.
    Login {
        /// The key: a host, a host with a path, or a URL.
        server: String,
        username: String,
        /// Email address; may be empty.
        email: String,
    },
}

/// Writes the logins in this form.
pub(crate) fn run(
    import: &Import,
    output: TokenOutput,
    secret: &SecretName,
    streams: &mut Streams<'_>,
) -> Result<(), ProgramError> {
    if !matches!(
        output,
        TokenOutput::DockerConfig | TokenOutput::KubernetesSecret
    ) {
        return Err(ProgramError::usage(
            "--from-file and --username make a docker configuration or a Secret: add --output \
             docker-config or --output kubernetes-secret",
        ));
    }
    secret.check(output).map_err(ProgramError::usage)?;
    let config = match import {
        Import::File { path, registries } => from_file(path, registries, streams)?,
        Import::Login {
            server,
            username,
            email,
        } => {
            check_login(server, username)?;
            if streams.terminal {
                return Err(ProgramError::usage(
                    "the terminal would show the password: pass it through a pipe or a file",
                ));
            }
            let password = &password(streams)?;
            let given = Credentials::new(&**username, password.clone());
            note_oddities(server, &given.oddities(), streams);
            let login = EntryLogin {
                username,
                password,
                email,
            };
            config_json([(&**server, login)])
        }
    };
    let text = secret.render(output, "regcred", config);
    streams.write_secret(&text)
}

fn from_file(
    path: &Path,
    registries: &[String],
    streams: &mut Streams<'_>,
) -> Result<SecretString, ProgramError> {
    let plan = if path == Path::new(STDIN) {
        let content = streams.read_input("a docker configuration")?;
        ImportPlan::parse(Path::new("standard input"), &content)
    } else {
        ImportPlan::read(path)
    };
    let plan = plan.map_err(|error| {
        let error = ProgramError::not_configured(error);
        error.reworded(|why| format!("--from-file: {why}"))
    })?;
    if registries.is_empty() {
        for (key, why) in &plan.left_out {
            streams.note(&format!("{key} is left out: {why}"));
        }
    }
    let chosen = plan.chosen(registries);
    for entry in chosen.map_err(ProgramError::not_configured)? {
        note_oddities(&entry.server, &entry.oddities(), streams);
    }
    plan.render(registries)
        .map_err(ProgramError::not_configured)
}

pub(crate) fn note_oddities(server: &str, oddities: &[String], streams: &mut Streams<'_>) {
    for oddity in oddities {
        streams.note(&format!("{server}: {oddity}"));
    }
}

pub(crate) fn check_login(server: &str, username: &str) -> Result<(), ProgramError> {
    RegistryHost::parse(server).map_err(ProgramError::usage)?;
    let is_plain = |text: &str| !text.is_empty() && !text.chars().any(char::is_control);
    if server.contains(char::is_whitespace) || !is_plain(server) {
        return Err(ProgramError::usage(format!("{server:?} is not a registry")));
    }
    // Readers of the login take everything before the first colon for the user name.
    if username.contains(':') || !is_plain(username) {
        return Err(ProgramError::usage(
            "--username: expected a name without colons and control characters",
        ));
    }
    Ok(())
}

/// Standard input without one final line break, as `docker login --password-stdin` reads it: a
/// Google service account's key has many lines.
pub(crate) fn password(streams: &mut Streams<'_>) -> Result<SecretString, ProgramError> {
    let input = streams.read_input("the password")?;
    let text = std::str::from_utf8(&input);
    let text = text.map_err(|_| {
        ProgramError::usage("standard input is not UTF-8 text: expected the password")
    })?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    Ok(text.into())
}

#[cfg(test)]
mod tests;
