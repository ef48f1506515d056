//! A token as it was issued, whose it is, and the files of secrets that it is requested with.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use regcred_core::{Credentials, ErrorKind, ProviderError, ServiceAccountCoordinates};
use regcred_docker_config::{Document, EntryForm, EntryLogin};
use secrecy::{ExposeSecret as _, SecretString};

use crate::cluster::Cluster;
use crate::digest::hash;
use crate::life::Life;

/// The logins of one source, all from the same request.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    /// The login for each host.
    pub(crate) logins: BTreeMap<String, Credentials>,
    pub(crate) life: Life,
}

impl Token {
    /// Adds its logins to a docker configuration; entries of earlier sources stay.
    pub(crate) fn add_to(&self, document: &mut Document, form: EntryForm) {
        for (host, login) in &self.logins {
            if !document.has(host) {
                document.set(host, &written(login), form);
            }
        }
    }
}

/// A login as it is written into a docker configuration.
pub(crate) fn written(login: &Credentials) -> EntryLogin<'_> {
    EntryLogin {
        username: &login.username,
        password: &login.password,
        email: "",
    }
}

/// Whose token: a namespace in its role.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Tenant {
    pub(crate) namespace: Arc<str>,
    /// A hash of all annotations that name the role.
    pub(crate) role: String,
}

/// A tenant, and what proves its identity.
pub(crate) struct TenantIdentity {
    pub(crate) tenant: Tenant,
    pub(crate) cluster: Cluster,
    pub(crate) account: ServiceAccountCoordinates,
    /// The annotations that name the cloud identity, as the provider reads them.
    pub(crate) annotations: BTreeMap<String, String>,
    pub(crate) audience: String,
}

impl TenantIdentity {
    /// A new token of the service account.
    pub(super) async fn token(&self) -> Result<SecretString, ProviderError> {
        let which = &self.account;
        let token = self.cluster.account_token(which, &self.audience).await;
        token.map_err(|error| {
            let kind = if error.is_passing() {
                ErrorKind::Unreachable
            } else {
                ErrorKind::IdentityUnavailable
            };
            let (namespace, name) = (&which.namespace, &which.name);
            let text = format!("cannot get a token of service account {namespace}/{name}");
            ProviderError::new("kubernetes", kind, text).with_source(error)
        })
    }
}

/// A file's text without its last line break.
pub(super) fn read_line(path: &Path) -> io::Result<SecretString> {
    let text = regcred_files::read_secret(path, MAX_FILE)?;
    let line = text.expose_secret().trim_end_matches(['\r', '\n']);
    Ok(line.into())
}

/// A hash of a file's content, or of the reason why it cannot be read.
pub(super) fn fingerprint(path: &Path) -> String {
    match regcred_files::read_secret_bytes(path, MAX_FILE) {
        Ok(bytes) => hash([&*String::from_utf8_lossy(bytes.expose_secret())]),
        Err(error) => error.kind().to_string(),
    }
}

/// Whether the secret is empty.
pub(super) fn is_empty(secret: &SecretString) -> bool {
    secret.expose_secret().is_empty()
}

/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 4 * regcred_files::MIB;
