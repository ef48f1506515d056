//! What the API server itself answers, asked without the refresher: the same questions to the fake
//! and to a real one, so that the fake stays as strict as what it stands for.

use http::Method;
use serde_json::{Value, json};

use self::apply::{
    apply_makes_changes_and_leaves_alone, apply_refuses_what_does_not_fit, fields_have_owners,
};
use self::kinds::tokens_leases_and_events_are_checked;
use self::lists::{
    a_namespace_bounds_what_is_in_it, lists_come_in_pages_of_one_version,
    watches_tell_changes_and_end_with_a_bookmark,
};
use self::writes::{
    json_patches_fit_or_change_nothing, secrets_are_checked, writes_are_bound_to_versions,
};
use crate::stage::{Raw, Stage, theirs};

#[path = "server/apply.rs"]
mod apply;
#[path = "server/kinds.rs"]
mod kinds;
#[path = "server/lists.rs"]
mod lists;
#[path = "server/writes.rs"]
mod writes;

mod tests {
    crate::both! {
        apply_makes_changes_and_leaves_alone
        apply_refuses_what_does_not_fit
        fields_have_owners
        secrets_are_checked
        writes_are_bound_to_versions
        json_patches_fit_or_change_nothing
        lists_come_in_pages_of_one_version
        watches_tell_changes_and_end_with_a_bookmark
        a_namespace_bounds_what_is_in_it
        tokens_leases_and_events_are_checked
    }
}

/// A Secret's place in a namespace of its own.
struct Place<'a> {
    stage: &'a Stage,
    namespace: String,
    path: String,
}

impl<'a> Place<'a> {
    async fn new(stage: &'a Stage) -> Self {
        let namespace = stage.namespace("a", json!({})).await;
        let path = format!("/api/v1/namespaces/{namespace}/secrets/pull");
        Self {
            stage,
            namespace,
            path,
        }
    }

    fn collection(&self) -> String {
        self.path.trim_end_matches("/pull").to_owned()
    }

    async fn apply(&self, query: &str, body: &Value) -> (u16, Value) {
        let path = format!("{}?{query}", self.path);
        self.stage.raw(Raw::patch(&path, APPLY, body.clone())).await
    }

    async fn put(&self, query: &str, body: Value) -> (u16, Value) {
        let path = format!("{}?{query}", self.path);
        self.stage.raw(Raw::new(Method::PUT, &path, body)).await
    }

    async fn make(&self, name: &str) {
        let body = theirs(name, &json!({"auths": {}}));
        self.stage.make(&self.namespace, "secrets", &body).await;
    }
}

/// A pull secret to be applied, with a login.
fn secret(login: &str) -> Value {
    let mut secret = theirs("pull", &json!({"auths": {"x.io": {"auth": login}}}));
    secret["metadata"]["labels"] = json!({"l": "x"});
    secret
}

fn reason(answer: &Value) -> &str {
    answer["reason"].as_str().unwrap_or_default()
}

fn names(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().cloned().unwrap_or_default();
    let name = |item: &Value| {
        item["metadata"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    items.iter().map(name).collect()
}

/// Manager and operation of those who own the login.
fn owner_of_data(secret: &Value) -> Vec<String> {
    let entries = secret["metadata"]["managedFields"].as_array().cloned();
    let entries = entries.unwrap_or_default();
    let owners = entries
        .iter()
        .filter(|entry| !entry["fieldsV1"]["f:data"]["f:.dockerconfigjson"].is_null());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    owners
        .map(|entry| format!("{} {}", text(&entry["manager"]), text(&entry["operation"])))
        .collect()
}

const APPLY: &str = "application/apply-patch+yaml";
const JSON_PATCH: &str = "application/json-patch+json";
const BAD: (u16, &str) = (400, "BadRequest");
const CONFLICT: (u16, &str) = (409, "Conflict");
const INVALID: (u16, &str) = (422, "Invalid");
const NOT_FOUND: (u16, &str) = (404, "NotFound");
