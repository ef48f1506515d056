//! Access keys in the environment.

use aws_credential_types::Credentials;
use regcred_core::Env;

use super::Outcome;

/// Both halves of a key, with an optional session.
pub(super) fn step(env: &Env) -> Outcome {
    let id = env.get(KEY_ID).map(str::trim);
    let secret = env.get(SECRET).map(str::trim);
    match (id, secret) {
        (Some(id), Some(secret)) => Outcome::Found(Credentials::new(
            id,
            secret,
            env.get("AWS_SESSION_TOKEN").map(|t| t.trim().to_owned()),
            None,
            "environment",
        )),
        (Some(_), None) => Outcome::Absent(format!("{KEY_ID} is set but {SECRET} is not")),
        (None, Some(_)) => Outcome::Absent(format!("{SECRET} is set but {KEY_ID} is not")),
        (None, None) => Outcome::Absent(format!("{KEY_ID} is not set")),
    }
}

/// The key's name, when both halves are there.
pub(super) fn key_id(env: &Env) -> Option<&str> {
    env.get(SECRET).and(env.get(KEY_ID)).map(str::trim)
}

const KEY_ID: &str = "AWS_ACCESS_KEY_ID";
const SECRET: &str = "AWS_SECRET_ACCESS_KEY";
