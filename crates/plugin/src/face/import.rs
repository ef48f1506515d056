//! Logins that are there already, or were handed over, as a docker configuration or a pull secret:
//! what `kubectl create secret docker-registry` makes, without a password among the arguments.

use std::path::{Path, PathBuf};

use regcred_api::docker_config::Format;
use regcred_core::RegistryHost;
use regcred_docker_config::{Document, EntryForm, EntryLogin, ImportPlan};
use regcred_run::{ProgramError, Streams, read_input};
use secrecy::{ExposeSecret as _, SecretString};

use crate::output::{SecretName, TokenOutput, ended};

/// What is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Import {
    /// Logins of a docker configuration.
    File {
        /// The `config.json`.
        path: PathBuf,
        /// Of these registries; of all when it is empty.
        registries: Vec<String>,
    },
    /// One login, whose password comes by standard input.
    Login {
        /// The key: a host, a host with a path, or a URL.
        server: String,
        /// User name.
        username: String,
        /// Electronic mail address; may be empty.
        email: String,
    },
}

/// Writes the logins.
pub(crate) fn run(
    import: &Import,
    output: TokenOutput,
    secret: &SecretName,
    terminal: bool,
    streams: &mut Streams<'_>,
) -> Result<(), ProgramError> {
    let is_secret = output == TokenOutput::KubernetesSecret;
    if !is_secret && output != TokenOutput::DockerConfig {
        return Err(ProgramError::usage(
            "--from-file and --username make a docker configuration or a Secret: say --output \
             docker-config or --output kubernetes-secret",
        ));
    }
    if !is_secret && *secret != SecretName::default() {
        return Err(ProgramError::usage(
            "--name and --namespace belong to --output kubernetes-secret",
        ));
    }
    secret.check().map_err(ProgramError::usage)?;
    let config = match import {
        Import::File { path, registries } => from_file(path, registries, streams)?,
        Import::Login {
            server,
            username,
            email,
        } => {
            check_login(server, username)?;
            if terminal {
                return Err(ProgramError::usage(
                    "the terminal would show the password: hand it over by a pipe or a file",
                ));
            }
            let password = &password(streams)?;
            let login = EntryLogin {
                username,
                password,
                email,
            };
            let mut document = Document::empty(Format::ConfigJson);
            document.set(server, &login, EntryForm::Full);
            document.compact()
        }
    };
    let text = match is_secret {
        true => secret.manifest("regcred", &config),
        false => ended(&config),
    };
    streams.write(text.expose_secret().as_bytes())
}

fn from_file(
    path: &Path,
    registries: &[String],
    streams: &mut Streams<'_>,
) -> Result<SecretString, ProgramError> {
    let plan = ImportPlan::read(path).map_err(ProgramError::not_configured)?;
    if registries.is_empty() {
        for (key, why) in &plan.left_out {
            streams.note(&format!("{key} is left out: {why}"));
        }
    }
    plan.render(registries)
        .map_err(ProgramError::not_configured)
}

fn check_login(server: &str, username: &str) -> Result<(), ProgramError> {
    let registry = RegistryHost::parse(server);
    registry.map_err(|error| ProgramError::usage(error.to_string()))?;
    let is_plain = |text: &str| !text.is_empty() && !text.chars().any(char::is_control);
    if server.contains(char::is_whitespace) || !is_plain(server) {
        return Err(ProgramError::usage(format!("{server:?} is no registry")));
    }
    // What stands before the first colon is the user to whoever reads the login.
    if username.contains(':') || !is_plain(username) {
        return Err(ProgramError::usage(
            "--username: expected a name without colons and control characters",
        ));
    }
    Ok(())
}

/// Standard input without its final line break.
fn password(streams: &mut Streams<'_>) -> Result<SecretString, ProgramError> {
    let input = read_input(streams.stdin, "the password")?;
    let text = std::str::from_utf8(&input)
        .map_err(|_| ProgramError::usage("standard input is no text: expected the password"))?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err(ProgramError::usage(
            "standard input holds more than one line or control characters: expected the password",
        ));
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests;
