//! Access keys in the environment.

use aws_credential_types::Credentials;
use regcred_core::{Env, ErrorKind};

use super::no_credentials::NoCredentials;

/// Both halves of a key, with an optional session.
pub(super) fn of(env: &Env) -> Result<Credentials, NoCredentials> {
    let text = |name| env.get(name).map(str::trim);
    // Half a key is a mistake, and another identity would hide it.
    let half = |set: &str, missing: &str| {
        let what = format!("{set} is set but {missing} is not");
        NoCredentials::failed("the environment", ErrorKind::NotConfigured, what)
    };
    match (text(KEY_ID), text(SECRET)) {
        (Some(id), Some(secret)) => {
            let session = text("AWS_SESSION_TOKEN").map(str::to_owned);
            Ok(Credentials::new(id, secret, session, None, "environment"))
        }
        (Some(_), None) => Err(half(KEY_ID, SECRET)),
        (None, Some(_)) => Err(half(SECRET, KEY_ID)),
        (None, None) => Err(NoCredentials::Absent(format!("{KEY_ID} is not set"))),
    }
}

const KEY_ID: &str = "AWS_ACCESS_KEY_ID";
const SECRET: &str = "AWS_SECRET_ACCESS_KEY";
