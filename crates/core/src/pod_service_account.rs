//! A pod's service account, for credential plugins in token mode (KEP-4412). Code that runs plugins
//! calls this trait; a source of accounts (a file, an API server) implements it.

use std::collections::BTreeMap;
use std::error::Error;

use async_trait::async_trait;
use secrecy::SecretString;

/// One pod's service account. The kubelet asks the API server at each look-up, before its own
/// cache; an implementation decides for itself what it keeps.
#[async_trait]
pub trait PodServiceAccount: Send + Sync {
    /// The account and its annotations.
    ///
    /// # Errors
    /// A failure of the source; the providers that need the account are skipped.
    async fn account(&self) -> Result<ServiceAccount, ServiceAccountError>;

    /// A token with only this audience, for the account that [`PodServiceAccount::account`] returned:
    /// an account that was deleted and created again has another UID and must not get one.
    ///
    /// # Errors
    /// As for [`PodServiceAccount::account`].
    async fn token(
        &self,
        account: &ServiceAccount,
        audience: &str,
    ) -> Result<SecretString, ServiceAccountError>;
}

/// The failure of a source. Must not hold a token.
pub type ServiceAccountError = Box<dyn Error + Send + Sync>;

/// The identity of a service account. Ordered by namespace, name and UID.
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
    /// The identity of the account.
    pub coordinates: ServiceAccountCoordinates,
    /// All annotations.
    pub annotations: BTreeMap<String, String>,
}
