//! A role for a token in a file: IAM roles for service accounts, or any OIDC provider.

use std::io;
use std::path::Path;

use regcred_core::ErrorKind;
use secrecy::{ExposeSecret as _, SecretString};

use super::{Chain, IdentityError, Outcome};
use crate::sts::Sts;
use crate::{file, subject};

/// Reads the token anew at each call: the kubelet renews the file.
pub(super) async fn step(chain: &Chain<'_>) -> Result<Outcome, IdentityError> {
    let env = chain.env;
    let Some(file) = env.get(TOKEN_FILE) else {
        return Ok(Outcome::Absent(format!("{TOKEN_FILE} is not set")));
    };
    let failed = |kind, source: Box<dyn std::error::Error + Send + Sync>| {
        IdentityError::failed(format!("the web identity in {file}"), kind, source)
    };
    let Some(role) = env.get(ROLE) else {
        let text = format!("{TOKEN_FILE} is set but {ROLE} is not");
        return Err(failed(ErrorKind::NotConfigured, text.into()));
    };
    let token = read_token(Path::new(file)).map_err(|error| {
        failed(
            ErrorKind::NotConfigured,
            format!("cannot read the file: {error}").into(),
        )
    })?;
    let session = env
        .get("AWS_ROLE_SESSION_NAME")
        .unwrap_or("ecr-credential-provider");
    let sts = Sts {
        sdk: chain.sdk,
        endpoint: chain.sts,
    };
    match sts.with_web_identity(role, session, &token).await {
        Ok(credentials) => Ok(Outcome::Found(credentials)),
        Err(error) => Err(failed(error.failure().kind(), Box::new(error))),
    }
}

/// A token file without surrounding white space, bounded.
pub(super) fn read_token(path: &Path) -> io::Result<SecretString> {
    let text = file::text(path, MAX_TOKEN)?;
    let token = text.trim();
    if token.is_empty() {
        return Err(io::Error::other("the file is empty"));
    }
    Ok(token.to_owned().into())
}

/// A token file for the cache key: its path, and whom its token stands for. Two jobs on one machine
/// may find different tokens under the same path.
pub(crate) fn holder(path: &str) -> String {
    match read_token(Path::new(path)) {
        Ok(token) => format!("{path} {}", subject::stable_name(token.expose_secret())),
        Err(_) => path.to_owned(),
    }
}

pub(super) const TOKEN_FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";
pub(super) const ROLE: &str = "AWS_ROLE_ARN";

/// STS takes at most 20 000 characters.
const MAX_TOKEN: u64 = 64 << 10;
