//! The compute resource token: the service account token that a cluster projects into a pod, or
//! the one that the kubelet sends (KEP-4412).

use std::io::ErrorKind as IoErrorKind;
use std::path::PathBuf;

use regcred_core::{Env, ProviderError};
use regcred_files::{MIB, read_secret};
use secrecy::{ExposeSecret, SecretString};

use crate::failure::misconfigured;
use crate::vars;

/// Where the token is.
#[derive(Clone, Debug)]
pub(crate) enum ResourceToken {
    /// In a variable.
    Given(SecretString),
    /// In a file that was named, or found in one of the usual places.
    File(PathBuf),
}

impl ResourceToken {
    /// The token that the environment names.
    pub(crate) fn named(env: &Env) -> Option<Self> {
        let given = env
            .get(vars::CR_TOKEN)
            .map(|t| Self::Given(t.trim().into()));
        given.or_else(|| {
            env.path(vars::CR_TOKEN_FILE)
                .or_else(|| env.path(vars::CR_TOKEN_FILE_ALIAS))
                .map(Self::File)
        })
    }

    /// The first of the usual files that exists.
    pub(crate) fn usual() -> Option<Self> {
        let mut files = USUAL_FILES.iter().map(PathBuf::from);
        files.find(|file| file.exists()).map(Self::File)
    }

    /// The token itself, read anew each time: clusters renew it in place.
    pub(crate) fn read(&self) -> Result<SecretString, ProviderError> {
        let path = match self {
            Self::Given(token) => return Ok(token.clone()),
            Self::File(path) => path,
        };
        let shown = path.display();
        let text = read_secret(path, MIB).map_err(|e| {
            let hint = match e.kind() {
                IoErrorKind::NotFound => {
                    "; project a service account token with audience iam to that path"
                }
                _ => "",
            };
            misconfigured(format!(
                "cannot read the compute resource token {shown}{hint}"
            ))
            .with_source(e)
        })?;
        let token = text.expose_secret().trim();
        if token.is_empty() {
            return Err(misconfigured(format!(
                "the compute resource token {shown} is empty"
            )));
        }
        Ok(token.into())
    }
}

/// In the order of IBM's SDKs.
pub(crate) const USUAL_FILES: [&str; 3] = [
    "/var/run/secrets/tokens/vault-token",
    "/var/run/secrets/tokens/sa-token",
    "/var/run/secrets/codeengine.cloud.ibm.com/compute-resource-token/token",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_trimmed_and_must_not_be_empty() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("sa-token");
        std::fs::write(&path, "a.b.c\n").expect("write");
        let env = Env::map([(vars::CR_TOKEN_FILE, path.to_str().expect("path"))]);
        let token = ResourceToken::named(&env).expect("named");
        assert_eq!(token.read().expect("token").expose_secret(), "a.b.c");
        std::fs::write(&path, " \n").expect("write");
        assert!(token.read().is_err());
        std::fs::remove_file(&path).expect("remove");
        assert!(
            token
                .read()
                .expect_err("gone")
                .to_string()
                .contains("audience iam")
        );
    }
}
