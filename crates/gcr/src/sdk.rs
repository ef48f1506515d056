//! gcp_auth behind the seam: service account keys and gcloud's user login at Google's public
//! endpoints.
//!
//! It has no time-outs, ignores proxies, tries five times whatever the answer, reduces an error
//! answer to "token request failed" and logs its whole body as a warning. Hence a deadline around
//! it, silence, a check beforehand that it would get through, and no use of it for anything else:
//! other endpoints, other kinds of files, and the metadata server (reasons in
//! [`crate::metadata`]).

use std::future::Future;
use std::time::Duration;

use gcp_auth::{ConfigDefaultCredentials, CustomServiceAccount, TokenProvider};
use regcred_core::Env;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::NoSubscriber;

use crate::gcloud_dir::{WELL_KNOWN, gcloud_dir};
use crate::token::AccessToken;

/// Whether gcp_auth gets through to Google: it connects directly, so a proxy means no.
pub(crate) fn reaches_google(env: &Env) -> bool {
    PROXIES.iter().all(|name| env.get(name).is_none())
}

/// Whether gcloud's well-known file in this environment is the one that gcp_auth reads: it looks
/// for the home directory of the process by itself.
pub(crate) fn reads_well_known(env: &Env, path: &std::path::Path) -> bool {
    let own = std::env::home_dir().map(|home| home.join(".config/gcloud").join(WELL_KNOWN));
    own.as_deref() == Some(path) && gcloud_dir(env).is_some_and(|dir| dir.join(WELL_KNOWN) == path)
}

/// A token for a service account's key, from this endpoint.
///
/// # Errors
/// What little gcp_auth says; the caller asks Google itself for the reason.
pub(crate) async fn key_file_token(
    client_email: &str,
    private_key: &SecretString,
    token_url: &str,
    scopes: &[String],
) -> Result<AccessToken, String> {
    let file = json!({
        "client_email": client_email,
        "private_key": private_key.expose_secret(),
        "token_uri": token_url,
    });
    let account = CustomServiceAccount::from_json(&file.to_string()).map_err(|e| e.to_string())?;
    let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
    within_deadline(account.token(&scopes)).await
}

/// A token for the user's login in gcloud's well-known file.
///
/// # Errors
/// As [`key_file_token`].
pub(crate) async fn well_known_token() -> Result<AccessToken, String> {
    within_deadline(async {
        let user = ConfigDefaultCredentials::new().await?;
        user.token(&[]).await
    })
    .await
}

async fn within_deadline(
    token: impl Future<Output = Result<std::sync::Arc<gcp_auth::Token>, gcp_auth::Error>>,
) -> Result<AccessToken, String> {
    let silent = token.with_subscriber(NoSubscriber::default());
    match tokio::time::timeout(DEADLINE, silent).await {
        Ok(Ok(token)) if token.as_str().is_empty() => Err("an empty token".to_owned()),
        Ok(Ok(token)) => Ok(AccessToken {
            secret: token.as_str().into(),
            expires_at: token.expires_at(),
        }),
        // The cause of this one repeats a piece of the answer.
        Ok(Err(gcp_auth::Error::Json(what, _))) => Err(what.to_owned()),
        Ok(Err(error)) => Err(regcred_core::report(&error)),
        Err(_) => Err(format!("nothing within {} s", DEADLINE.as_secs())),
    }
}

/// Leaves time for the caller's own request.
const DEADLINE: Duration = Duration::from_secs(12);
const PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

#[cfg(test)]
mod tests;
