//! The pod's service account, for plugins in token mode (KEP-4412): where its annotations and its
//! tokens come from.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::PathBuf;

use async_trait::async_trait;
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;

/// One pod's service account. The kubelet asks the API server at each look-up, before its own
/// cache; an implementation decides for itself what it keeps.
#[async_trait]
pub trait PodServiceAccount: Send + Sync {
    /// Who it is and which annotations it has.
    ///
    /// # Errors
    /// Whatever the source has to say; the providers that need the account are skipped.
    async fn account(&self) -> Result<ServiceAccount, ServiceAccountError>;

    /// A token of the account with just this audience.
    ///
    /// # Errors
    /// As for [`PodServiceAccount::account`].
    async fn token(&self, audience: &str) -> Result<SecretString, ServiceAccountError>;
}

/// What a source says when it has no answer. Must not hold a token.
pub type ServiceAccountError = Box<dyn Error + Send + Sync>;

/// A service account, as far as credential providers are concerned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceAccount {
    /// The pod's namespace.
    pub namespace: String,
    /// The account's name.
    pub name: String,
    /// The account's UID.
    pub uid: String,
    /// All annotations.
    pub annotations: BTreeMap<String, String>,
}

/// A service account out of a token file (a projected volume, `kubectl create token`) and
/// annotations that a person wrote down. The file is read at each look-up, since kubelets renew
/// it in place. Its audience is what it is: nobody can ask for another.
#[derive(Clone, Debug)]
pub struct TokenFile {
    path: PathBuf,
    annotations: BTreeMap<String, String>,
}

impl TokenFile {
    /// The account whose token is in the file.
    pub fn new(path: impl Into<PathBuf>, annotations: BTreeMap<String, String>) -> Self {
        Self {
            path: path.into(),
            annotations,
        }
    }

    fn read(&self) -> io::Result<SecretString> {
        let mut text = Zeroizing::new(String::new());
        File::open(&self.path)?
            .take(MAX_TOKEN + 1)
            .read_to_string(&mut text)?;
        match text.trim() {
            "" => Err(io::Error::other("the file is empty")),
            _ if text.len() as u64 > MAX_TOKEN => Err(io::Error::other("too large for a token")),
            token => Ok(token.into()),
        }
    }
}

#[async_trait]
impl PodServiceAccount for TokenFile {
    async fn account(&self) -> Result<ServiceAccount, ServiceAccountError> {
        // The path tells accounts apart in cache keys; the token is not ours to read.
        Ok(ServiceAccount {
            name: self.path.display().to_string(),
            annotations: self.annotations.clone(),
            ..ServiceAccount::default()
        })
    }

    async fn token(&self, _audience: &str) -> Result<SecretString, ServiceAccountError> {
        self.read().map_err(|e| {
            let path = self.path.display();
            format!("cannot read the service account token {path}: {e}").into()
        })
    }
}

const MAX_TOKEN: u64 = 64 << 10;

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[tokio::test]
    async fn the_token_is_read_anew_and_trimmed() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("token");
        std::fs::write(&path, "first\n").expect("token");
        let annotations = BTreeMap::from([("a/b".to_owned(), "c".to_owned())]);
        let account = TokenFile::new(&path, annotations.clone());
        assert_eq!(
            account.account().await.expect("account").annotations,
            annotations
        );
        let token = account.token("any").await.expect("token");
        assert_eq!(token.expose_secret(), "first");
        std::fs::write(&path, "second").expect("token");
        let token = account.token("any").await.expect("token");
        assert_eq!(token.expose_secret(), "second");
    }

    #[tokio::test]
    async fn no_token_is_an_error_that_names_the_file() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("token");
        for content in [None, Some(" \n".to_owned()), Some("canary".repeat(20_000))] {
            if let Some(content) = content {
                std::fs::write(&path, content).expect("file");
            }
            let account = TokenFile::new(&path, BTreeMap::new());
            let error = account
                .token("any")
                .await
                .expect_err("no token")
                .to_string();
            assert!(
                error.contains("token: ") && !error.contains("canary"),
                "{error}"
            );
        }
    }
}
