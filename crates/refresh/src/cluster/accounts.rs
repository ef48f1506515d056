//! Service accounts: their list of pull secrets, and their tokens (TokenRequest), by which namespaces
//! prove their identity.

use std::time::Duration;

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{GetParams, Patch, PatchParams, PostParams};
use regcred_core::ServiceAccountCoordinates;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::client::{Call, Cluster, json, resource};
use super::error::{ClusterErrorKind, ClusterResult};
use super::object::{Collection, Object};
use crate::names::NAME;

impl Cluster {
    /// The service account, if it exists.
    pub(crate) async fn account(
        &self,
        namespace: &str,
        name: &str,
    ) -> ClusterResult<Option<Object>> {
        let accounts = resource::<ServiceAccount>(Some(namespace));
        self.find(&Call::new(accounts.get(name, &GetParams::default()))?)
            .await
    }

    /// All service accounts of a namespace.
    pub(crate) async fn accounts(&self, namespace: &str) -> ClusterResult<Vec<Object>> {
        let namespace = Some(namespace.to_owned());
        let collection = Collection::Accounts {
            namespace,
            name: None,
        };
        self.list(&collection, |_| {}).await
    }

    /// Adds a pull secret to the account's list, or removes it. Returns false if there was nothing
    /// to do or the account no longer exists. An account that has changed meanwhile is read again.
    pub(crate) async fn link(
        &self,
        namespace: &str,
        known: Object,
        secret: &str,
        wanted: bool,
    ) -> ClusterResult<bool> {
        let accounts = resource::<ServiceAccount>(Some(namespace));
        let mut account = known;
        let mut attempts = 0;
        loop {
            let Some(operations) = operations(&account, secret, wanted) else {
                return Ok(false);
            };
            let name = &account.metadata.name;
            let patch = Patch::Merge(&operations);
            let built = accounts.patch_metadata(name, &self.patch_params(), &patch);
            let call = Call::new(built)?.json_patch();
            let Err(error) = self.send::<Object>(&call).await else {
                return Ok(true);
            };
            attempts += 1;
            match error.kind {
                ClusterErrorKind::NotFound => return Ok(false),
                // 409 and, for a test that failed, 422.
                ClusterErrorKind::Conflict | ClusterErrorKind::Invalid if attempts <= PATCHES => {}
                _ => return Err(error),
            }
            match self.account(namespace, name).await? {
                Some(fresh) => account = fresh,
                None => return Ok(false),
            }
        }
    }

    /// Writes under our field manager, and stores nothing in a dry run.
    pub(super) fn patch_params(&self) -> PatchParams {
        PatchParams {
            dry_run: self.dry_run,
            ..PatchParams::apply(NAME)
        }
    }
}

/// The patch; `None` if the list is as it should be.
fn operations(account: &Object, secret: &str, wanted: bool) -> Option<Value> {
    let list = account.image_pull_secrets.as_deref();
    let place = list
        .unwrap_or_default()
        .iter()
        .position(|r| r.name == secret);
    let change = match (wanted, place, list) {
        (true, Some(_), _) | (false, None, _) => return None,
        (true, None, None | Some([])) => {
            json!({"op": "add", "path": "/imagePullSecrets", "value": [{"name": secret}]})
        }
        (true, None, Some(_)) => {
            json!({"op": "add", "path": "/imagePullSecrets/-", "value": {"name": secret}})
        }
        (false, Some(place), _) => {
            json!({"op": "remove", "path": format!("/imagePullSecrets/{place}")})
        }
    };
    let version = &account.metadata.resource_version;
    Some(json!([
        {"op": "test", "path": "/metadata/resourceVersion", "value": version},
        change,
    ]))
}

/// For a patch of an account that changes meanwhile.
const PATCHES: u32 = 5;

impl Cluster {
    /// A new token of the service account for this audience alone.
    pub(crate) async fn account_token(
        &self,
        account: &ServiceAccountCoordinates,
        audience: &str,
    ) -> ClusterResult<SecretString> {
        let body = TokenRequest {
            metadata: ObjectMeta {
                // A precondition: an account that was deleted and created again under its name is
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
            .map_err(|_| self.timed_out(&call.place()))??;
        let text = status.token.expose_secret();
        let is_token = !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        if is_token && spec.audiences == [audience] {
            Ok(status.token)
        } else {
            Err(self.asked(&call.place()).no_token(audience))
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
