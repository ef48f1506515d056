//! The credentials of a pod for its images: pull secrets and a service account.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use regcred_core::PodServiceAccount;
use regcred_keyring::{KeyringRules, PullSecretError, PullSecrets};
use secrecy::{ExposeSecret as _, SecretSlice};

/// A pod, as far as its images are concerned. The default has nothing, like a static pod.
#[derive(Clone, Default)]
pub struct Pod {
    secrets: Vec<PullSecret>,
    service_account: Option<Arc<dyn PodServiceAccount>>,
}

#[derive(Clone)]
enum PullSecret {
    File(PathBuf),
    Document {
        label: PathBuf,
        bytes: Arc<SecretSlice<u8>>,
    },
}

impl Pod {
    /// A pod without pull secrets and service account.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file with Secrets (manifests in YAML or JSON) or a bare docker `config.json`. It is
    /// read at each look-up.
    #[must_use]
    pub fn pull_secret_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.secrets.push(PullSecret::File(path.into()));
        self
    }

    /// Adds the content of such a file under a name for messages.
    #[must_use]
    pub fn pull_secret(
        mut self,
        label: impl Into<PathBuf>,
        document: impl Into<SecretSlice<u8>>,
    ) -> Self {
        self.secrets.push(PullSecret::Document {
            label: label.into(),
            bytes: Arc::new(document.into()),
        });
        self
    }

    /// Runs the pod under a service account, for plugins in token mode.
    #[must_use]
    pub fn service_account(mut self, account: Arc<dyn PodServiceAccount>) -> Self {
        self.service_account = Some(account);
        self
    }

    pub(crate) fn account(&self) -> Option<&dyn PodServiceAccount> {
        self.service_account.as_deref()
    }

    /// Reads every pull secret, for a command whose user named them: one that a kubelet passes over
    /// in silence is an error here.
    ///
    /// # Errors
    /// For the first that cannot be read or parsed, or that has no Secret that a kubelet uses.
    pub fn check_pull_secrets(&self, rules: KeyringRules) -> Result<(), PullSecretError> {
        for secret in &self.secrets {
            let mut found = PullSecrets::new(rules);
            secret.add_to(&mut found)?;
            found.check_used(secret.label())?;
        }
        Ok(())
    }

    /// All pull secrets in one keyring, in the pod's order.
    ///
    /// # Errors
    /// For the first that cannot be read or parsed: it fails every pull of the pod.
    pub fn read_pull_secrets(&self, rules: KeyringRules) -> Result<PullSecrets, PullSecretError> {
        let mut found = PullSecrets::new(rules);
        for secret in &self.secrets {
            secret.add_to(&mut found)?;
        }
        Ok(found)
    }
}

impl PullSecret {
    fn label(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Document { label, .. } => label,
        }
    }

    fn add_to(&self, found: &mut PullSecrets) -> Result<(), PullSecretError> {
        match self {
            Self::File(path) => found.add_file(path),
            Self::Document { label, bytes } => found.add(label, bytes.expose_secret()),
        }
    }
}

impl fmt::Debug for Pod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pod")
            .field("pull_secrets", &self.secrets.len())
            .field("service_account", &self.service_account.is_some())
            .finish()
    }
}
