//! Service accounts and their list of pull secrets. Every kind of merge replaces the list as a whole;
//! only a JSON Patch under a test of the resource version adds to it safely.

use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::{GetParams, Patch, PatchParams};
use serde_json::{Value, json};

use super::call::{Call, resource};
use super::client::Cluster;
use super::collection::{Collection, Object};
use super::error::{ClusterError, ClusterErrorKind};
use crate::names::NAME;

impl Cluster {
    /// The service account, if it exists.
    pub(crate) async fn account(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Object>, ClusterError> {
        let accounts = resource::<ServiceAccount>(Some(namespace));
        self.find(&Call::new(accounts.get(name, &GetParams::default()))?)
            .await
    }

    /// All service accounts of a namespace.
    pub(crate) async fn accounts(&self, namespace: &str) -> Result<Vec<Object>, ClusterError> {
        let namespace = Some(namespace.to_owned());
        let collection = Collection::Accounts {
            namespace,
            name: None,
        };
        self.list(&collection).await.map(|(all, _)| all)
    }

    /// Adds a pull secret to the account's list, or removes it. Returns false if there was nothing
    /// to do or the account no longer exists. An account that has changed meanwhile is read again.
    pub(crate) async fn link(
        &self,
        namespace: &str,
        known: Object,
        secret: &str,
        wanted: bool,
    ) -> Result<bool, ClusterError> {
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
                ClusterErrorKind::Conflict | ClusterErrorKind::Invalid if attempts <= ATTEMPTS => {}
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

const ATTEMPTS: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn change(list: &str, wanted: bool) -> Option<String> {
        let text = format!(r#"{{"metadata":{{"resourceVersion":"7"}},{list}}}"#);
        let account: Object = serde_json::from_str(&text).expect("an account");
        let operations = operations(&account, "ours", wanted)?;
        assert_eq!(operations[0]["value"], "7");
        Some(operations[1].to_string())
    }

    #[test]
    fn the_list_is_only_ever_added_to_and_taken_from() {
        let theirs = r#""imagePullSecrets":[{"name":"theirs"}]"#;
        let both = r#""imagePullSecrets":[{"name":"theirs"},{"name":"ours"}]"#;
        assert_eq!(
            change(theirs, true).as_deref(),
            Some(r#"{"op":"add","path":"/imagePullSecrets/-","value":{"name":"ours"}}"#)
        );
        assert_eq!(
            change(r#""x":0"#, true).as_deref(),
            Some(r#"{"op":"add","path":"/imagePullSecrets","value":[{"name":"ours"}]}"#)
        );
        assert_eq!(
            change(both, false).as_deref(),
            Some(r#"{"op":"remove","path":"/imagePullSecrets/1"}"#)
        );
        assert_eq!(change(both, true), None);
        assert_eq!(change(theirs, false), None);
    }
}
