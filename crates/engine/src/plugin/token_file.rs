//! A pod's service account from a token file, for plugins in token mode (KEP-4412).

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use async_trait::async_trait;
use regcred_core::{
    PodServiceAccount, SecretText as _, ServiceAccount, ServiceAccountCoordinates,
    ServiceAccountError,
};
use regcred_files::read_secret;
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};

use crate::blocking_read::{READ_DEADLINE, read_in_time};

/// A service account from a token file (a projected volume, `kubectl create token`) with given
/// annotations. The file is read at each look-up, since kubelets renew it in place. The token's
/// audience is fixed: another one cannot be requested.
#[derive(Clone, Debug)]
pub struct TokenFile {
    path: PathBuf,
    annotations: BTreeMap<String, String>,
    /// The token; `None` if the file is read at each look-up.
    token: Option<SecretString>,
}

impl TokenFile {
    /// The account whose token is in the file.
    pub fn new(path: impl Into<PathBuf>, annotations: BTreeMap<String, String>) -> Self {
        Self {
            path: path.into(),
            annotations,
            token: None,
        }
    }

    /// Reads the token once, now: for a command whose user named the file.
    ///
    /// # Errors
    /// When the file does not contain a token; the message contains its path.
    pub fn once(self) -> Result<Self, ServiceAccountError> {
        let text = read_secret(&self.path, MAX_TOKEN);
        self.with(text)
    }

    /// The account with this content of the file, which is not read.
    ///
    /// # Errors
    /// When it is blank or not text; the message contains its path.
    pub fn with_content(self, content: &SecretSlice<u8>) -> Result<Self, ServiceAccountError> {
        let text = std::str::from_utf8(content.expose_secret());
        self.with(text.map(Into::into).map_err(io::Error::other))
    }

    fn with(mut self, text: io::Result<SecretString>) -> Result<Self, ServiceAccountError> {
        self.token = Some(self.token_of(text)?);
        Ok(self)
    }

    fn read(&self) -> Result<SecretString, ServiceAccountError> {
        if let Some(token) = &self.token {
            return Ok(token.clone());
        }
        self.token_of(read_secret(&self.path, MAX_TOKEN))
    }

    fn token_of(
        &self,
        text: io::Result<SecretString>,
    ) -> Result<SecretString, ServiceAccountError> {
        let text = text.and_then(|text| {
            if text.is_blank() {
                return Err(io::Error::other("it is empty"));
            }
            Ok(text.trimmed())
        });
        text.map_err(|e| {
            let path = self.path.display();
            format!("cannot read the service account token {path}: {e}").into()
        })
    }
}

#[async_trait]
impl PodServiceAccount for TokenFile {
    async fn account(&self) -> Result<ServiceAccount, ServiceAccountError> {
        // The path distinguishes accounts in cache keys; the token is not parsed.
        Ok(ServiceAccount {
            coordinates: ServiceAccountCoordinates {
                name: self.path.display().to_string(),
                ..ServiceAccountCoordinates::default()
            },
            annotations: self.annotations.clone(),
        })
    }

    async fn token(
        &self,
        _account: &ServiceAccount,
        _audience: &str,
    ) -> Result<SecretString, ServiceAccountError> {
        let file = self.clone();
        let path = self.path.display();
        read_in_time(move || file.read()).await.unwrap_or_else(|| {
            let seconds = READ_DEADLINE.as_secs();
            Err(format!(
                "the service account token {path} was not read within {seconds} seconds: look for \
                 a mount that does not answer"
            )
            .into())
        })
    }
}

const MAX_TOKEN: u64 = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_token_is_read_each_time_and_trimmed() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("token");
        std::fs::write(&path, "first\n").expect("token");
        let annotations = BTreeMap::from([("a/b".to_owned(), "c".to_owned())]);
        let account = TokenFile::new(&path, annotations.clone());
        let who = account.account().await.expect("account");
        assert_eq!(who.annotations, annotations);
        let token = account.token(&who, "any").await.expect("token");
        assert_eq!(token.expose_secret(), "first");
        std::fs::write(&path, "second").expect("token");
        let token = account.token(&who, "any").await.expect("token");
        assert_eq!(token.expose_secret(), "second");
    }

    #[tokio::test]
    async fn a_token_that_was_read_once_stays() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("token");
        std::fs::write(&path, "first\n").expect("token");
        let once = TokenFile::new(&path, BTreeMap::new()).once().expect("one");
        std::fs::remove_file(&path).expect("removed");
        let other = TokenFile::new("standard input", BTreeMap::new());
        let given = other
            .clone()
            .with_content(&b"second\n".to_vec().into())
            .expect("one");
        for (account, expected) in [(once, "first"), (given, "second")] {
            let token = account.token(&ServiceAccount::default(), "any").await;
            assert_eq!(token.expect("kept").expose_secret(), expected);
        }
        let error = other
            .with_content(&b" \n".to_vec().into())
            .expect_err("blank");
        assert!(error.to_string().ends_with("standard input: it is empty"));
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
            assert!(account.clone().once().is_err());
            let error = account
                .token(&ServiceAccount::default(), "any")
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
