//! Service accounts: their list of pull secrets, which is replaced as a whole by every kind of merge,
//! so that only a JSON Patch under a test of the resource version adds to it safely; and tokens of
//! theirs (TokenRequest).

use serde_json::{Value, json};

use super::objects::Object;
use super::{Call, Cluster, ClusterError, JSON_PATCH, Kind};
use crate::secret::NAME;

impl Cluster {
    /// The service account, if it is there.
    pub(crate) async fn account(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Object>, ClusterError> {
        self.find(&Call::get(path(namespace, name))).await
    }

    /// All service accounts of a namespace.
    pub(crate) async fn accounts(&self, namespace: &str) -> Result<Vec<Object>, ClusterError> {
        let mut all = Vec::new();
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts");
        self.list(&path, None, false, |object| all.push(object))
            .await?;
        Ok(all)
    }

    /// Adds a pull secret to the account, or takes it off; false when there was nothing to do or
    /// the account is gone. An account that somebody changes meanwhile is read again.
    pub(crate) async fn link(
        &self,
        namespace: &str,
        known: Object,
        secret: &str,
        wanted: bool,
    ) -> Result<bool, ClusterError> {
        let mut account = known;
        let mut attempts = 0;
        loop {
            let Some(operations) = operations(&account, secret, wanted) else {
                return Ok(false);
            };
            let name = &account.metadata.name;
            let query = format!("{}?fieldManager={NAME}", path(namespace, name));
            let call = Call::patch(self.checked(query), JSON_PATCH, operations.to_string());
            match self.send::<Object>(&call.metadata_only(false)).await {
                Ok(_) => return Ok(true),
                Err(error) if error.kind == Kind::NotFound => return Ok(false),
                // 409 and, for a test that failed, 422.
                Err(error)
                    if matches!(error.kind, Kind::Conflict | Kind::Invalid)
                        && attempts < ATTEMPTS =>
                {
                    attempts += 1;
                }
                Err(error) => return Err(error),
            }
            match self.account(namespace, name).await? {
                Some(fresh) => account = fresh,
                None => return Ok(false),
            }
        }
    }
}

/// The patch; `None` when the list is as it should be.
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

pub(super) fn path(namespace: &str, name: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}")
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
