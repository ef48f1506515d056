//! Access keys in the environment.

use aws_credential_types::Credentials;
use regcred_core::Env;

use super::no_credentials::NoCredentials;

/// Both halves of a key, with an optional session.
pub(super) fn of(env: &Env) -> Result<Credentials, NoCredentials> {
    let text = |name| env.get(name).map(str::trim);
    let absent = match (text(KEY_ID), text(SECRET)) {
        (Some(id), Some(secret)) => {
            let session = text("AWS_SESSION_TOKEN").map(str::to_owned);
            return Ok(Credentials::new(id, secret, session, None, "environment"));
        }
        (Some(_), None) => format!("{KEY_ID} is set but {SECRET} is not"),
        (None, Some(_)) => format!("{SECRET} is set but {KEY_ID} is not"),
        (None, None) => format!("{KEY_ID} is not set"),
    };
    Err(NoCredentials::Absent(absent))
}

const KEY_ID: &str = "AWS_ACCESS_KEY_ID";
const SECRET: &str = "AWS_SECRET_ACCESS_KEY";
