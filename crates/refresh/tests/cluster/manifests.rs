//! The shipped manifests, with names of their own for each test: every object of them, the rights
//! that their roles give.

use std::path::{Path, PathBuf};

use http::Method;
use regcred_tests::kube::Rule;
use serde_json::{Value, json};

use crate::stage::{Raw, Stage};

/// The objects of a manifest under `docs/kubernetes`. What it calls `regcred-refresh` is the test's
/// own `refresh`, its namespace `shop` the test's own `shop`, its policies are the test's own too.
pub(crate) fn manifest(stage: &Stage, file: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(directory().join(file)).expect("a manifest");
    objects(stage, &text)
}

/// The objects of a text, with the same names.
pub(crate) fn objects(stage: &Stage, text: &str) -> Vec<Value> {
    let text = text
        .replace("image: regcred-refresh", "image: the-image")
        .replace("regcred-refresh", &stage.ns("refresh"))
        .replace(
            "namespace: shop",
            &format!("namespace: {}", stage.ns("shop")),
        )
        .replace(
            "name: always-pull",
            &format!("name: {}", stage.ns("always-pull")),
        )
        .replace(
            "policyName: always-pull",
            &format!("policyName: {}", stage.ns("always-pull")),
        );
    let documents = text.split("\n---\n");
    let parse = |document| serde_saphyr::from_str::<Value>(document).expect("YAML");
    documents.map(parse).collect()
}

/// The refresher acts as the service account from now on, with the rights of these objects alone.
pub(crate) async fn grant(stage: &Stage, objects: &[Value], namespace: &str) {
    let Some(fake) = &stage.fake else {
        for object in objects {
            apply(stage, object).await;
        }
        act_as_account(stage, namespace, &stage.ns("refresh")).await;
        return;
    };
    stage.act_as(fake.limited_kubeconfig(stage.directory(), rules(objects)));
}

/// The refresher acts as this service account of a real cluster from now on.
pub(crate) async fn act_as_account(stage: &Stage, namespace: &str, name: &str) {
    let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token");
    let body = json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
        "spec": {"expirationSeconds": 3600},
    });
    let (code, answer) = stage.raw(Raw::new(Method::POST, &path, body)).await;
    assert_eq!(code, 201, "{answer}");
    let token = answer["status"]["token"].as_str().expect("a token");
    stage.act_as(stage.kubeconfig_with(token));
}

/// The rules of the roles, as the fake takes them; a Role binds the namespace that it is in.
fn rules(objects: &[Value]) -> Vec<Rule> {
    let mut rules = Vec::new();
    for object in objects {
        let kind = object["kind"].as_str().unwrap_or_default();
        if kind != "Role" && kind != "ClusterRole" {
            continue;
        }
        for rule in object["rules"].as_array().into_iter().flatten() {
            let join = |name: &str| {
                let list = rule[name].as_array().cloned().unwrap_or_default();
                let texts: Vec<_> = list.iter().filter_map(Value::as_str).collect();
                texts.join(",")
            };
            let mut made = Rule::new(&join("verbs"), &join("resources"));
            made = made.of_groups(&join("apiGroups"));
            if rule["resourceNames"].is_array() {
                made = made.named(&join("resourceNames"));
            }
            if kind == "Role" {
                made = made.within(namespace_of(object).expect("a Role has a namespace"));
            }
            rules.push(made);
        }
    }
    assert!(!rules.is_empty(), "there are roles");
    rules
}

/// Applies an object to a real cluster, strictly: a field that the server does not know is an error.
pub(crate) async fn apply(stage: &Stage, object: &Value) {
    let path = path_of(object);
    let sent = format!("{path}?fieldManager=test&fieldValidation=Strict");
    let patch = Raw::patch(&sent, "application/apply-patch+yaml", object.clone());
    let (code, answer) = stage.raw(patch).await;
    assert!(matches!(code, 200 | 201), "{path}: {answer}");
    if namespace_of(object).is_none() {
        stage.keep_track(path);
    }
}

/// Where the object lies.
pub(crate) fn path_of(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (version, kind) = (text(&object["apiVersion"]), text(&object["kind"]));
    let plural = match kind.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{kind}s"),
    };
    let group = if version == "v1" { "/api" } else { "/apis" };
    let place = namespace_of(object).map_or_else(String::new, |ns| format!("namespaces/{ns}/"));
    let (plural, name) = (plural.to_lowercase(), text(&object["metadata"]["name"]));
    format!("{group}/{version}/{place}{plural}/{name}")
}

pub(crate) fn namespace_of(object: &Value) -> Option<&str> {
    object["metadata"]["namespace"].as_str()
}

pub(crate) fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/kubernetes")
}
