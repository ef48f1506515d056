//! The right of the nodes to request tokens of pods for an audience, which the API server checks since
//! Kubernetes 1.33 (`ServiceAccountNodeAudienceRestriction`).

use serde_json::json;

/// The manifests for these audiences, as a List.
///
/// # Errors
/// When no audience is named.
pub(super) fn manifests(audiences: &[&str]) -> Result<String, &'static str> {
    if audiences.is_empty() {
        return Err(
            "no provider needs a right: none has the audience of a pod's token in its configuration",
        );
    }
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": NAME},
        "rules": [{
            "apiGroups": [""],
            "resources": audiences,
            "verbs": ["request-serviceaccounts-token-audience"],
        }],
    });
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": NAME},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": NAME},
        "subjects": [{
            "apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:nodes",
        }],
    });
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [role, binding]});
    Ok(serde_json::to_string_pretty(&list).unwrap_or_default())
}

const NAME: &str = "regcred-token-audiences";
