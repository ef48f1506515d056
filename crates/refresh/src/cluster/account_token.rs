//! Tokens of service accounts (TokenRequest), by which namespaces prove their identity.

use std::time::Duration;

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::PostParams;
use regcred_core::ServiceAccountCoordinates;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tokio::time::timeout;

use super::call::{Call, json, resource};
use super::client::Cluster;
use super::error::ClusterError;

impl Cluster {
    /// A new token of the service account for this audience alone.
    pub(crate) async fn account_token(
        &self,
        account: &ServiceAccountCoordinates,
        audience: &str,
    ) -> Result<SecretString, ClusterError> {
        let body = TokenRequest {
            metadata: ObjectMeta {
                // A precondition: an account that was deleted and made again under its name is
                // another one.
                uid: Some(account.uid.clone()).filter(|uid| !uid.is_empty()),
                ..ObjectMeta::default()
            },
            spec: TokenRequestSpec {
                audiences: vec![audience.to_owned()],
                bound_object_ref: None,
                expiration_seconds: Some(LIFE),
            },
            status: None,
        };
        let accounts = resource::<ServiceAccount>(Some(&account.namespace));
        let params = PostParams::default();
        let built = accounts.create_subresource("token", &account.name, &params, json(&body));
        // Sent twice it only issues two tokens.
        let call = Call::new(built)?.limit(MAX_ANSWER).attempts(ATTEMPTS);
        let TokenResponse { spec, status } = timeout(PATIENCE, self.send(&call))
            .await
            .map_err(|_| ClusterError::timed_out(&call.place()))??;
        let text = status.token.expose_secret();
        let is_token = !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        if is_token && spec.audiences == [audience] {
            Ok(status.token)
        } else {
            Err(ClusterError::no_token(&call.place(), audience))
        }
    }
}

/// The part of a TokenRequest's answer that is used. The library's own type holds the token unmasked.
#[derive(Deserialize)]
struct TokenResponse {
    spec: IssuedSpec,
    status: IssuedStatus,
}

#[derive(Deserialize)]
struct IssuedSpec {
    #[serde(default)]
    audiences: Vec<String>,
}

#[derive(Deserialize)]
struct IssuedStatus {
    token: SecretString,
}

/// The shortest that the API server grants, in seconds: the cloud reads the token at once.
const LIFE: i64 = 600;
/// For a request with all its attempts.
const PATIENCE: Duration = Duration::from_secs(50);
const ATTEMPTS: u32 = 3;
const MAX_ANSWER: usize = 256 << 10;

#[cfg(test)]
mod tests;
