//! Service account token mode.

use secrecy::SecretString;

use super::*;

/// Token mode lines of an entry.
fn token_mode(cache_type: &str, rest: &str) -> String {
    format!(
        "tokenAttributes: {{serviceAccountTokenAudience: aud, cacheType: {cache_type}, {rest}}}"
    )
}

fn token_file(node: &Node, token: &str, annotations: &[(&str, &str)]) -> TokenFile {
    let path = node.write("token", token);
    let annotations = annotations
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    TokenFile::new(path, annotations.collect())
}

#[tokio::test]
async fn token_mode_sends_token_and_annotations_and_keys_by_account() {
    let line = token_mode(
        "ServiceAccount",
        "requireServiceAccount: true, requiredServiceAccountAnnotationKeys: [a], \
         optionalServiceAccountAnnotationKeys: [b, c]",
    );
    let body = format!("{}\n", answers("Registry", None, "h.io", "u:p"))
        .replace("cat >/dev/null", r#"cat >"${0%/*}/../request""#);
    let node = Node::new().plugin("p", "h.io", &[&line], &body);
    let plugin = only(&node);
    let pod = token_file(&node, "tok", &[("a", "1"), ("c", "2"), ("d", "3")]);
    assert!(!login(&plugin.provide(IMAGE, Some(&pod)).await).2);
    let request = fs::read_to_string(node.path("request")).expect("request");
    assert!(
        request.ends_with(
            "\"serviceAccountToken\":\"tok\",\"serviceAccountAnnotations\":{\"a\":\"1\",\"c\":\"2\"}}\n"
        ),
        "{request}"
    );
    let renewed = token_file(&node, "other", &[("a", "1"), ("c", "2")]);
    assert!(
        login(&plugin.provide(IMAGE, Some(&renewed)).await).2,
        "the account is the key"
    );
    let changed = token_file(&node, "other", &[("a", "9")]);
    assert!(!login(&plugin.provide(IMAGE, Some(&changed)).await).2);
}

#[tokio::test]
async fn cache_type_token_keys_by_token_and_may_pass_it_on() {
    let line = token_mode("Token", "requireServiceAccount: true");
    let body = answers("Registry", None, "h.io", "u:tok");
    let node = Node::new().plugin("p", "h.io", &[&line], &body);
    let plugin = only(&node);
    for (token, cached) in [("tok", false), ("tok", true), ("other", false)] {
        let pod = token_file(&node, token, &[]);
        let provision = plugin.provide(IMAGE, Some(&pod)).await;
        assert_eq!(login(&provision), ("h.io", "tok", cached), "{token}");
    }
    assert_eq!(node.runs(), 2);
}

#[tokio::test]
async fn a_token_that_a_plugin_writes_to_standard_error_is_not_shown() {
    let line = token_mode("Token", "requireServiceAccount: true");
    let body = "cat >&2; exit 1";
    let node = Node::new().plugin("p", "h.io", &[&line], body);
    let pod = token_file(&node, "c4n4ry-token", &[]);
    let provision = only(&node).provide(IMAGE, Some(&pod)).await;
    let Provision::Failed { error, .. } = provision else {
        panic!("it exits with 1");
    };
    let text = error.to_string();
    assert!(
        text.contains("\"serviceAccountToken\":\"[secret]\""),
        "{text}"
    );
}

#[tokio::test]
async fn an_echoed_token_is_refused_for_cache_type_service_account() {
    let line = token_mode("ServiceAccount", "requireServiceAccount: true");
    let node = Node::new().plugin(
        "p",
        "h.io",
        &[&line],
        &answers("Image", None, "h.io", "u:tok"),
    );
    let pod = token_file(&node, "tok", &[]);
    let provision = only(&node).provide(IMAGE, Some(&pod)).await;
    let Provision::Failed { error, .. } = provision else {
        panic!("{provision:?}");
    };
    assert!(
        error
            .to_string()
            .contains("service account token as the password"),
        "{error}"
    );
}

#[tokio::test]
async fn pods_that_do_not_qualify_skip_the_plugin() {
    let required = token_mode(
        "Token",
        "requireServiceAccount: true, requiredServiceAccountAnnotationKeys: [a]",
    );
    let node = Node::new().plugin("p", "h.io", &[&required], "exit 1");
    let plugin = only(&node);
    let without = plugin.provide(IMAGE, None).await;
    assert!(
        matches!(
            without,
            Provision::Skipped {
                reason: SkipReason::NoServiceAccount
            }
        ),
        "{without:?}"
    );
    let bare = token_file(&node, "tok", &[("b", "1")]);
    let skipped = plugin.provide(IMAGE, Some(&bare)).await;
    let Provision::Skipped { reason } = skipped else {
        panic!("{skipped:?}");
    };
    assert_eq!(reason.to_string(), "required annotation a not found");
}

#[tokio::test]
async fn a_plugin_that_does_not_require_an_account_runs_without() {
    let line = token_mode("Token", "requireServiceAccount: false");
    let body = answers("Registry", None, "h.io", "u:p")
        .replace("cat >/dev/null", r#"cat >"${0%/*}/../request""#);
    let node = Node::new().plugin("p", "h.io", &[&line], &body);
    assert!(!login(&only(&node).provide(IMAGE, None).await).2);
    let request = fs::read_to_string(node.path("request")).expect("request");
    assert!(!request.contains("serviceAccount"), "{request}");
}

/// An account whose annotations can be read and whose tokens cannot be had.
struct Denied;

#[async_trait::async_trait]
impl PodServiceAccount for Denied {
    async fn account(&self) -> Result<ServiceAccount, ServiceAccountError> {
        Ok(ServiceAccount {
            annotations: BTreeMap::new(),
            ..ServiceAccount::default()
        })
    }

    async fn token(
        &self,
        _account: &ServiceAccount,
        audience: &str,
    ) -> Result<SecretString, ServiceAccountError> {
        Err(format!("audience {audience:?} not found in pod spec volume").into())
    }
}

#[tokio::test]
async fn a_token_that_cannot_be_obtained_is_a_failure() {
    let line = token_mode("Token", "requireServiceAccount: true");
    let node = Node::new().plugin("p", "h.io", &[&line], "exit 1");
    let provision = only(&node).provide(IMAGE, Some(&Denied)).await;
    let Provision::Failed { error, .. } = provision else {
        panic!("{provision:?}");
    };
    assert_eq!(error.plugin(), "p");
    assert_eq!(
        error.to_string(),
        "failed to get service account token: audience \"aud\" not found in pod spec volume"
    );
}

#[tokio::test]
async fn annotations_that_no_cache_key_of_a_kubelet_can_hold_are_a_failure() {
    let line = token_mode(
        "ServiceAccount",
        "requireServiceAccount: true, requiredServiceAccountAnnotationKeys: [a]",
    );
    let node = Node::new().plugin("p", "h.io", &[&line], "exit 1");
    let account = token_file(&node, "t", &[("a", &"v".repeat(65_536))]);
    let provision = only(&node).provide(IMAGE, Some(&account)).await;
    let Provision::Failed { error, .. } = provision else {
        panic!("{provision:?}");
    };
    assert!(
        error
            .to_string()
            .starts_with("error generating service account cache key"),
        "{error}"
    );
}
