//! The pod's pull secrets, from files (kubernetes `pkg/credentialprovider/secrets/secrets.go`).

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use regcred_api::DecodeError;
use regcred_api::pull_secret::{self, Content};
use regcred_files::read_secret_bytes;
use secrecy::ExposeSecret as _;
use serde::Serialize;

use crate::credential_source::label;
use crate::node_config::{LARGEST_FILE, fill};
use crate::{CredentialSource, Keyring, KeyringRules, RejectedKey};

/// Pull secrets in the order of the pod.
#[derive(Clone, Debug, Default)]
pub struct PullSecrets {
    /// Their logins.
    pub keyring: Keyring,
    /// Whether each Secret, and each other document of the files, is used, in order.
    pub secrets: Vec<SecretReport>,
}

/// Whether a document is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SecretReport {
    /// The document.
    #[serde(serialize_with = "label")]
    pub source: Arc<CredentialSource>,
    /// Why it is not used; `None` when it is.
    pub skipped: Option<String>,
    /// Notes on its content.
    pub notes: Vec<String>,
}

impl PullSecrets {
    /// Without any pull secret.
    #[must_use]
    pub fn new(rules: KeyringRules) -> Self {
        Self {
            keyring: Keyring::with_rules(rules),
            secrets: Vec::new(),
        }
    }

    /// Adds the Secrets of a file: manifests in YAML or JSON, several to a file, or a bare
    /// `config.json`. A Secret of another type, or whose type and key do not fit together, is
    /// skipped and recorded.
    ///
    /// # Errors
    /// When it cannot be read or parsed; nothing is added then. One malformed Secret fails a pod's
    /// whole pull.
    pub fn add_file(&mut self, path: &Path) -> Result<(), PullSecretError> {
        let bytes = read_secret_bytes(path, LARGEST_FILE);
        let bytes = bytes.map_err(|source| PullSecretError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        self.add(path, bytes.expose_secret())
    }

    /// Fails when no document that was added is used: for a file that a person named. The path is
    /// only its label.
    ///
    /// # Errors
    /// With the reason of every document.
    pub fn check_used(&self, path: &Path) -> Result<(), PullSecretError> {
        if self.secrets.iter().any(|secret| secret.skipped.is_none()) {
            return Ok(());
        }
        let skipped = self.secrets.iter();
        let reasons: Vec<&str> = skipped.filter_map(|one| one.skipped.as_deref()).collect();
        let why = if reasons.is_empty() {
            "it is empty".to_owned()
        } else {
            reasons.join("; ")
        };
        let path = path.to_owned();
        Err(PullSecretError::Unused { path, why })
    }

    /// What a kubelet passes over without an error: documents that are not pull secrets, parts of
    /// the others, and entries whose server is not a URL.
    #[must_use]
    pub fn passed_over(&self) -> Vec<String> {
        let mut all = Vec::new();
        for SecretReport {
            source,
            skipped,
            notes,
        } in &self.secrets
        {
            all.extend(
                skipped
                    .iter()
                    .chain(notes)
                    .map(|why| format!("{source}: {why}")),
            );
        }
        all.extend(self.keyring.rejected().iter().map(RejectedKey::to_string));
        all
    }

    /// Adds the Secrets of one document stream. The path is only their label.
    ///
    /// # Errors
    /// When it does not parse; nothing is added then.
    pub fn add(&mut self, path: &Path, bytes: &[u8]) -> Result<(), PullSecretError> {
        let secrets = pull_secret::parse(bytes, self.keyring.rules().bad_entries());
        let secrets = secrets.map_err(|source| PullSecretError::Malformed {
            path: path.to_owned(),
            source,
        })?;
        for secret in secrets {
            let source = Arc::new(CredentialSource::PullSecret {
                path: path.to_owned(),
                namespace: secret.namespace,
                name: secret.name,
                uid: secret.uid,
            });
            let (skipped, notes) = match secret.content {
                Content::Skipped(why) => {
                    tracing::debug!(%source, why, "not used as a pull secret");
                    (Some(why), Vec::new())
                }
                Content::Config(config) => (None, fill(&mut self.keyring, config, &source)),
            };
            self.secrets.push(SecretReport {
                source,
                skipped,
                notes,
            });
        }
        Ok(())
    }
}

/// A pull secret file that fails the whole pull.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PullSecretError {
    /// The file cannot be read.
    #[error("cannot read the pull secret file {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file does not parse.
    #[error("cannot parse the pull secret file {}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: DecodeError,
    },
    /// The file has no Secret that a kubelet uses as a pull secret.
    #[error("the pull secret file {} has no Secret that a kubelet uses: {why}", path.display())]
    Unused {
        /// The file.
        path: PathBuf,
        /// Why, for each document.
        why: String,
    },
    /// A file system does not answer.
    #[error(
        "the pull secrets and the node's docker configuration were not read within {} seconds: \
         look for a mount that does not answer",
        .0.as_secs()
    )]
    TimedOut(Duration),
}

#[cfg(test)]
mod tests;
