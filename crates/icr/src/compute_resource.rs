//! The compute resource token: the service account token that a cluster projects into a pod, or
//! the one that the kubelet sends (KEP-4412).

use std::path::PathBuf;

use regcred_cloud::SecretPlace;
use regcred_core::{Env, ProviderError};
use secrecy::SecretString;

use crate::{ERRORS, vars};

/// The token that the environment names.
pub(crate) fn named(env: &Env) -> Option<SecretPlace> {
    SecretPlace::named(env, vars::CR_TOKEN, vars::CR_TOKEN_FILE)
        .or_else(|| env.path(vars::CR_TOKEN_FILE_ALIAS).map(SecretPlace::File))
}

/// The first of the usual files that exists.
pub(crate) fn usual() -> Option<SecretPlace> {
    let mut files = USUAL_FILES.iter().map(PathBuf::from);
    files.find(|file| file.exists()).map(SecretPlace::File)
}

/// The token itself; a file is read each time, since clusters renew it in place.
pub(crate) fn read(place: &SecretPlace) -> Result<SecretString, ProviderError> {
    place.read(
        ERRORS,
        "the compute resource token (projected, with audience iam)",
    )
}

/// In the order of IBM's SDKs.
pub(crate) const USUAL_FILES: [&str; 3] = [
    "/var/run/secrets/tokens/vault-token",
    "/var/run/secrets/tokens/sa-token",
    "/var/run/secrets/codeengine.cloud.ibm.com/compute-resource-token/token",
];

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_file_is_trimmed_and_must_not_be_empty() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("sa-token");
        std::fs::write(&path, "a.b.c\n").expect("write");
        let env = Env::map([(vars::CR_TOKEN_FILE, path.to_str().expect("path"))]);
        let token = named(&env).expect("named");
        assert_eq!(read(&token).expect("token").expose_secret(), "a.b.c");
        std::fs::write(&path, " \n").expect("write");
        assert!(read(&token).is_err());
        std::fs::remove_file(&path).expect("remove");
        assert!(
            read(&token)
                .expect_err("gone")
                .to_string()
                .contains("audience iam")
        );
    }
}
