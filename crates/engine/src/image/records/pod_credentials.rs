//! A pod's credentials in the form of the records.

use regcred_api::pull_record::{ImagePullCredentials, ImagePullSecret, credential_text};
use regcred_core::{ServiceAccountCoordinates, fingerprint};
use regcred_keyring::{Candidate, CredentialSource};

/// The credentials of a pod that may give it access to an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodCredentials {
    /// Its pull secrets' credentials for the image, in the order of the look-up.
    pub secrets: Vec<ImagePullSecret>,
    /// Its service account, if a plugin was sent its token.
    pub service_account: Option<ServiceAccountCoordinates>,
}

impl PodCredentials {
    /// The credentials among the candidates of a look-up. The node's own give no access: every pod
    /// has them.
    #[must_use]
    pub fn of(candidates: &[Candidate]) -> Self {
        let mut found = Self::default();
        for candidate in candidates {
            let recorded = credentials_of(Some(candidate));
            found.secrets.extend(recorded.kubernetes_secrets);
            let mut accounts = recorded.kubernetes_service_accounts.into_iter();
            found.service_account = found.service_account.or_else(|| accounts.next());
        }
        found
    }
}

/// What is recorded for the credential that worked; `None` is an anonymous pull.
pub(crate) fn credentials_of(candidate: Option<&Candidate>) -> ImagePullCredentials {
    let Some(candidate) = candidate else {
        return ImagePullCredentials::of_the_node();
    };
    match &*candidate.source {
        CredentialSource::PullSecret {
            namespace,
            name,
            uid,
            ..
        } => ImagePullCredentials {
            kubernetes_secrets: vec![ImagePullSecret {
                namespace: namespace.clone(),
                name: name.clone(),
                uid: uid.clone(),
                credential_hash: credential_hash(candidate),
            }],
            ..ImagePullCredentials::default()
        },
        CredentialSource::Plugin {
            service_account: Some(account),
            ..
        } => ImagePullCredentials {
            kubernetes_service_accounts: vec![account.clone()],
            ..ImagePullCredentials::default()
        },
        CredentialSource::Plugin { .. } | CredentialSource::DockerConfig { .. } => {
            ImagePullCredentials::of_the_node()
        }
    }
}

/// The `credentialHash` of a login.
fn credential_hash(candidate: &Candidate) -> String {
    let login = &candidate.credentials;
    let text = credential_text(&login.username, &login.password, &candidate.email);
    fingerprint(&text)
}
