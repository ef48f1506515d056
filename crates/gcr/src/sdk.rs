//! gcp_auth, with one rule: it obtains the token for a service account's key and for the login in
//! gcloud's well-known file wherever Google's public endpoint is reached without a proxy.
//!
//! It knows no proxies, no other endpoints and no PKCS#1 keys, it needs the C library to resolve names
//! (`without_sdk.rs` is in the place of this file in a static program), and it keeps the reason of a refusal to itself: when it returns no token, the caller makes the same
//! request, and that answer counts.
//! It has no time-outs, tries five times whatever the answer and logs bodies of answers as warnings:
//! hence a deadline around it, and silence. The metadata server is not left to it (see
//! [`crate::metadata`]).

use std::path::Path;
use std::time::Duration;

use gcp_auth::{ConfigDefaultCredentials, CustomServiceAccount, TokenProvider};
use regcred_cloud::AccessToken;
use regcred_core::plain;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::NoSubscriber;

use crate::credential_file::CredentialFile;
use crate::gcloud::WELL_KNOWN;
use crate::settings::{Cloud, GOOGLE, TOKEN_URL};

/// A token for a service account's key, if gcp_auth can obtain one.
pub(crate) async fn key_token(
    cloud: &Cloud,
    client_email: &str,
    private_key: &SecretString,
    scopes: &str,
) -> Option<AccessToken> {
    if !reaches_google(cloud) {
        return None;
    }
    logged(exchange_key(client_email, private_key, TOKEN_URL, scopes).await)
}

/// A token for the login in gcloud's well-known file, if gcp_auth can obtain one. It reads the file
/// by itself: if the file has changed since it was read here, the token may be another login's.
pub(crate) async fn user_token(cloud: &Cloud, file: &CredentialFile) -> Option<AccessToken> {
    if !reaches_google(cloud) || !is_well_known(&file.path) {
        return None;
    }
    let token = within_deadline(async {
        let user = ConfigDefaultCredentials::new().await?;
        user.token(&[]).await
    });
    logged(token.await).filter(|_| file.is_unchanged())
}

/// Whether gcp_auth gets through to the endpoint in use: it connects to the public one, directly.
fn reaches_google(cloud: &Cloud) -> bool {
    let is_public = cloud.settings.universe == GOOGLE && cloud.settings.oauth_url.is_none();
    is_public && PROXIES.iter().all(|name| cloud.env.get(name).is_none())
}

/// Whether this is the file that gcp_auth reads: it looks up the home directory of the process.
fn is_well_known(path: &Path) -> bool {
    #[expect(
        clippy::disallowed_methods,
        reason = "gcp_auth does the same, and not in a static program"
    )]
    let home = std::env::home_dir();
    home.is_some_and(|home| home.join(".config/gcloud").join(WELL_KNOWN) == path)
}

async fn exchange_key(
    client_email: &str,
    private_key: &SecretString,
    token_url: &str,
    scopes: &str,
) -> Result<AccessToken, String> {
    let file = json!({
        "client_email": client_email,
        "private_key": private_key.expose_secret(),
        "token_uri": token_url,
    });
    let account = CustomServiceAccount::from_json(&file.to_string()).map_err(|e| e.to_string())?;
    let scopes: Vec<&str> = scopes.split(' ').collect();
    within_deadline(account.token(&scopes)).await
}

async fn within_deadline(
    token: impl Future<Output = Result<std::sync::Arc<gcp_auth::Token>, gcp_auth::Error>>,
) -> Result<AccessToken, String> {
    let silent = token.with_subscriber(NoSubscriber::default());
    match tokio::time::timeout(DEADLINE, silent).await {
        Ok(Ok(token)) if token.as_str().is_empty() => Err("an empty token".to_owned()),
        Ok(Ok(token)) => Ok(AccessToken {
            secret: token.as_str().into(),
            expires_at: Some(token.expires_at()),
        }),
        // The cause of this one repeats a part of the answer.
        Ok(Err(gcp_auth::Error::Json(what, _))) => Err(what.to_owned()),
        Ok(Err(error)) => Err(regcred_core::report(&error)),
        Err(_) => Err(format!("no answer within {} s", DEADLINE.as_secs())),
    }
}

fn logged(token: Result<AccessToken, String>) -> Option<AccessToken> {
    token
        .map_err(|reason| {
            let reason = plain(&reason, LONGEST_REASON);
            tracing::debug!(reason, "gcp_auth returned no token");
        })
        .ok()
}

/// Leaves time for the caller's own request.
const DEADLINE: Duration = Duration::from_secs(12);
const LONGEST_REASON: usize = 300;
const PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

#[cfg(test)]
mod tests;
