//! A pod's service account, for credential plugins in token mode (KEP-4412): whoever runs plugins
//! asks this trait, whoever knows the account (a file, an API server) implements it.

use std::collections::BTreeMap;
use std::error::Error;

use async_trait::async_trait;
use secrecy::SecretString;

/// One pod's service account. The kubelet asks the API server at each look-up, before its own
/// cache; an implementation decides for itself what it keeps.
#[async_trait]
pub trait PodServiceAccount: Send + Sync {
    /// Who it is and which annotations it has.
    ///
    /// # Errors
    /// Whatever the source has to say; the providers that need the account are skipped.
    async fn account(&self) -> Result<ServiceAccount, ServiceAccountError>;

    /// A token with just this audience, of the account that was answered before: one that was
    /// deleted and made anew since then has another UID and must not get one.
    ///
    /// # Errors
    /// As for [`PodServiceAccount::account`].
    async fn token(
        &self,
        account: &ServiceAccount,
        audience: &str,
    ) -> Result<SecretString, ServiceAccountError>;
}

/// What a source says when it has no answer. Must not hold a token.
pub type ServiceAccountError = Box<dyn Error + Send + Sync>;

/// Which service account it is. Ordered by namespace, name and UID.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServiceAccountCoordinates {
    /// The pod's namespace.
    pub namespace: String,
    /// The account's name.
    pub name: String,
    /// The account's UID.
    pub uid: String,
}

/// A service account, as far as credential providers are concerned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceAccount {
    /// Which one it is.
    pub coordinates: ServiceAccountCoordinates,
    /// All annotations.
    pub annotations: BTreeMap<String, String>,
}
