//! A login in files, read at each request: whoever rotates it changes the files.

use std::path::{Path, PathBuf};

use regcred_cloud::SecretPlace;
use regcred_core::{CredentialRequest, Credentials, ImageRef, ProviderError};
use regcred_files::{MIB, read_secret_bytes};
use regcred_keyring::{KeyringRules, NodeConfig};
use secrecy::ExposeSecret as _;

use crate::ERRORS;
use crate::document::Static;
use crate::exchange::is_username;

/// Where the login is.
#[derive(Clone, Debug)]
pub(crate) enum StaticLogin {
    Files {
        username: Username,
        password: PathBuf,
    },
    /// A docker configuration file.
    DockerConfig(PathBuf),
}

#[derive(Clone, Debug)]
pub(crate) enum Username {
    Given(String),
    File(PathBuf),
}

impl StaticLogin {
    /// Paths count from `directory`.
    ///
    /// # Errors
    /// When it is neither a user with a password file, nor a docker configuration file.
    pub(crate) fn new(login: Static, directory: &Path) -> Result<Self, ProviderError> {
        let wrong = |what: &str| Err(ERRORS.misconfigured(format!("static {what}")));
        let username = match (login.username, login.username_file) {
            (Some(name), None) if is_username(&name) => Some(Username::Given(name)),
            (Some(_), None) => return wrong("has a username with a colon, or an empty one"),
            (None, Some(path)) => Some(Username::File(directory.join(path))),
            (None, None) => None,
            (Some(_), Some(_)) => return wrong("has username and usernameFile: remove one"),
        };
        match (username, login.password_file, login.docker_config) {
            (Some(username), Some(password), None) => Ok(Self::Files {
                username,
                password: directory.join(password),
            }),
            (None, None, Some(path)) => Ok(Self::DockerConfig(directory.join(path))),
            _ => wrong(
                "has neither username (or usernameFile) with passwordFile, nor dockerConfig alone",
            ),
        }
    }

    /// The file with the password.
    pub(crate) fn secret_file(&self) -> &Path {
        match self {
            Self::Files { password, .. } => password,
            Self::DockerConfig(path) => path,
        }
    }

    /// The login that the files have now.
    ///
    /// # Errors
    /// When a file cannot be read, or has no login for the image.
    pub(crate) fn read(&self, request: &CredentialRequest) -> Result<Credentials, ProviderError> {
        let (username, password) = match self {
            Self::Files { username, password } => (username, password),
            Self::DockerConfig(path) => return of_docker(path, request),
        };
        let username = match username {
            Username::Given(name) => name.clone(),
            Username::File(path) => {
                let name = SecretPlace::File(path.clone()).read(ERRORS, "the user name file")?;
                name.expose_secret().to_owned()
            }
        };
        if !is_username(&username) {
            return Err(
                ERRORS.misconfigured("the user name in its file has a colon or control characters")
            );
        }
        let password = SecretPlace::File(password.clone()).read(ERRORS, "the password file")?;
        Ok(Credentials::new(username, password))
    }
}

/// The login that a kubelet finds in the file for the image.
fn of_docker(path: &Path, request: &CredentialRequest) -> Result<Credentials, ProviderError> {
    let content = read_secret_bytes(path, MIB)
        .map_err(|e| ERRORS.unreadable("the docker configuration", path, e))?;
    let found = NodeConfig::of(path, &content, KeyringRules::default());
    // A word alone is an image of Docker Hub for a keyring: a host, as docker and people write it, is not.
    let host = request.registry.as_written();
    let name = match ImageRef::parse(&request.image) {
        _ if request.image == host => format!("{host}/"),
        Ok(image) => image.name(),
        Err(_) => request.image.clone(),
    };
    let logins = found.keyring.lookup(&name);
    let mut logins = logins.into_iter().map(|candidate| candidate.credentials);
    if let Some(login) = logins.find(|login| !login.username.is_empty()) {
        return Ok(login);
    }
    let shown = path.display();
    let notes = found.passed_over().join("; ");
    let notes = if notes.is_empty() {
        notes
    } else {
        format!(": {notes}")
    };
    Err(ERRORS.misconfigured(format!(
        "{shown} has no login for {}{notes}",
        name.trim_end_matches('/')
    )))
}
