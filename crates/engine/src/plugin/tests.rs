use std::collections::BTreeMap;
use std::fs;

use regcred_api::CacheKeyType;

use super::*;
use crate::bench::{Node, answers};
use crate::{ServiceAccount, ServiceAccountError, TokenFile};

const IMAGE: &str = "h.io/team/app";

fn only(node: &Node) -> Plugin {
    node.plugins().pop().expect("one plugin")
}

async fn error_of(body: &str) -> PluginError {
    let node = Node::new().plugin("p", "h.io", &[], body);
    match only(&node).provide(IMAGE, None).await {
        Provision::Failed { error, .. } => error,
        other => panic!("{other:?}"),
    }
}

fn login(provision: &Provision) -> (&str, &str, bool) {
    let Provision::Answered { answer, cached, .. } = provision else {
        panic!("{provision:?}");
    };
    let (key, login) = &answer.auth[0];
    (key, login.password.expose_secret(), *cached)
}

#[tokio::test]
async fn an_answer_is_kept_and_other_images_are_not_asked() {
    let body = answers("Registry", None, "h.io", "u:p");
    let node = Node::new().plugin("p", "h.io", &[], &body);
    let plugin = only(&node);
    assert_eq!(
        login(&plugin.provide(IMAGE, None).await),
        ("h.io", "p", false)
    );
    assert_eq!(
        login(&plugin.provide("h.io/other", None).await),
        ("h.io", "p", true)
    );
    let other = plugin.provide("i.io/x", None).await;
    assert!(matches!(other, Provision::NotMatched), "{other:?}");
    assert_eq!(node.runs(), 1);
}

#[tokio::test]
async fn request_arguments_and_environment_arrive_as_configured() {
    let body = r#"cat >"${0%/*}/../request"; echo "$1|$2|$A|$HOME" >"${0%/*}/../seen"; exit 1"#;
    let lines = [
        "args: ['one two', x]",
        "env: [{name: A, value: first}, {name: A, value: '$last'}]",
    ];
    let node = Node::new().plugin("p", "h.io", &lines, body);
    only(&node).provide(IMAGE, None).await;
    let request = fs::read_to_string(node.path("request")).expect("request");
    assert_eq!(
        request,
        "{\"kind\":\"CredentialProviderRequest\",\"apiVersion\":\"credentialprovider.kubelet.k8s.io/v1\",\
         \"image\":\"h.io/team/app\"}\n"
    );
    let seen = fs::read_to_string(node.path("seen")).expect("seen");
    assert!(
        seen.starts_with("one two|x|$last|") && seen.len() > 17,
        "{seen}"
    );
}

#[tokio::test]
async fn callers_at_the_same_time_share_one_run() {
    let body = answers("Image", Some("0s"), "h.io", "u:p");
    let node = Node::new().plugin("p", "h.io", &[], &format!("sleep 0.2\n{body}"));
    let plugin = only(&node);
    let (a, b) = tokio::join!(plugin.provide(IMAGE, None), plugin.provide(IMAGE, None));
    assert_eq!((login(&a).2, login(&b).2), (false, false));
    assert_eq!(node.runs(), 1);
    plugin.provide(IMAGE, None).await;
    assert_eq!(node.runs(), 2, "zero is not kept");
}

#[tokio::test]
async fn empty_answers_are_kept_and_errors_are_not() {
    let empty = r#"echo run >>"${0%/*}/../log"
cat >/dev/null
echo '{"kind":"CredentialProviderResponse","apiVersion":"credentialprovider.kubelet.k8s.io/v1","cacheKeyType":"Image"}'"#;
    let node = Node::new().plugin("p", "h.io", &[], empty);
    let plugin = only(&node);
    for _ in 0..2 {
        let provision = plugin.provide(IMAGE, None).await;
        assert!(matches!(&provision, Provision::Answered { answer, .. } if answer.auth.is_empty()));
    }
    assert_eq!(node.runs(), 1);

    let node = Node::new().plugin("p", "h.io", &[], r#"echo run >>"${0%/*}/../log"; exit 1"#);
    let plugin = only(&node);
    plugin.provide(IMAGE, None).await;
    plugin.provide(IMAGE, None).await;
    assert_eq!(node.runs(), 2);
}

#[tokio::test]
async fn failures_read_as_the_kubelets() {
    let prefix = "failed to get credential from external registry credential provider: ";
    let exec =
        format!("{prefix}error execing credential provider plugin p for image h.io/team/app: ");
    for (body, text) in [
        (
            "echo canary; echo no role >&2; exit 3",
            format!("{exec}exit status 3: no role"),
        ),
        ("exit 1", format!("{exec}exit status 1")),
        ("kill -9 $$", format!("{exec}signal: killed")),
        (
            "yes canary",
            format!("{exec}more than 4194304 bytes on standard output"),
        ),
        (
            "echo canary",
            format!(
                "{prefix}error reading GVK from response: couldn't get version/kind; json parse \
                 error: "
            ),
        ),
        (
            r#"echo '{"apiVersion":"credentialprovider.kubelet.k8s.io/v1beta1"}'"#,
            format!(
                "{prefix}apiVersion from credential plugin response did not match expected \
                 apiVersion:credentialprovider.kubelet.k8s.io/v1, actual \
                 apiVersion:credentialprovider.kubelet.k8s.io/v1beta1"
            ),
        ),
        (
            r#"echo '{"apiVersion":"credentialprovider.kubelet.k8s.io/v1","kind":"CredentialProviderResponse","auth":{"h.io":{"token":"canary"}}}'"#,
            format!("{prefix}error decoding credential provider plugin response from stdout"),
        ),
    ] {
        let error = error_of(body).await;
        assert!(error.to_string().starts_with(&text), "{error}");
        assert!(!format!("{error:?}{error}").contains("canary"), "{error:?}");
    }
}

#[tokio::test]
async fn a_plugin_that_hangs_is_ended() {
    let node = Node::new().plugin("p", "h.io", &[], "echo waiting >&2; sleep 1000");
    let options = PluginOptions {
        deadline: Duration::from_millis(500),
        ..node.options()
    };
    let plugin = node.plugins_with(&options).pop().expect("one");
    let Provision::Failed { error, took } = plugin.provide(IMAGE, None).await else {
        panic!("it cannot answer");
    };
    assert!(
        error
            .to_string()
            .ends_with("context deadline exceeded: waiting"),
        "{error}"
    );
    assert!(took < Duration::from_secs(20));
}

#[tokio::test]
async fn a_plugin_that_vanished_says_so() {
    let node = Node::new().plugin("p", "h.io", &[], "");
    let plugin = only(&node);
    fs::remove_file(node.path("bin/p")).expect("plugin");
    let Provision::Failed { error, .. } = plugin.provide(IMAGE, None).await else {
        panic!("it cannot answer");
    };
    let end = format!(
        "fork/exec {}: no such file or directory",
        node.path("bin/p").display()
    );
    assert!(error.to_string().ends_with(&end), "{error}");
}

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
        matches!(without, Provision::Skipped(SkipReason::NoServiceAccount)),
        "{without:?}"
    );
    let bare = token_file(&node, "tok", &[("b", "1")]);
    let skipped = plugin.provide(IMAGE, Some(&bare)).await;
    let Provision::Skipped(reason) = skipped else {
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
async fn a_token_that_cannot_be_had_is_a_failure() {
    let line = token_mode("Token", "requireServiceAccount: true");
    let node = Node::new().plugin("p", "h.io", &[&line], "exit 1");
    let provision = only(&node).provide(IMAGE, Some(&Denied)).await;
    let Provision::Failed { error, .. } = provision else {
        panic!("{provision:?}");
    };
    assert_eq!(error.plugin(), "p");
    assert!(
        error
            .to_string()
            .ends_with("audience \"aud\" not found in pod spec volume"),
        "{error}"
    );
}

#[tokio::test]
async fn scope_global_serves_every_image_of_the_plugin() {
    let node = Node::new().plugin(
        "p",
        "h.io, i.io",
        &[],
        &answers("Global", None, "*.io", "u:p"),
    );
    let plugin = only(&node);
    let first = plugin.provide(IMAGE, None).await;
    assert!(
        matches!(&first, Provision::Answered { answer, .. } if answer.cache_key_type == CacheKeyType::Global)
    );
    assert!(login(&plugin.provide("i.io/x", None).await).2);
    assert_eq!(node.runs(), 1);
}

fn improved(node: &Node, names: &str) -> Plugin {
    let options = PluginOptions {
        improvements: names.parse().expect("known"),
        ..node.options()
    };
    node.plugins_with(&options).pop().expect("one plugin")
}

/// Not kept at all, so that only sharing saves runs.
fn slow(scope: &str) -> String {
    let answer = answers(scope, Some("0s"), "h.io", "u:p");
    format!("sleep 0.2\n{answer}")
}

#[tokio::test]
async fn images_of_a_registry_share_a_run_only_on_request() {
    for (names, scope, runs) in [
        ("", "Registry", 4),
        ("one-run-per-registry", "Registry", 2),
        ("one-run-per-registry", "Global", 2),
        ("one-run-per-registry", "Image", 4),
    ] {
        let node = Node::new().plugin("p", "h.io", &[], &slow(scope));
        let plugin = improved(&node, names);
        // Nobody knows yet for how much its answers are good.
        plugin.provide("h.io/first", None).await;
        let all = tokio::join!(
            plugin.provide("h.io/a", None),
            plugin.provide("h.io/b", None),
            plugin.provide("h.io/c", None),
        );
        for provision in [&all.0, &all.1, &all.2] {
            assert_eq!(login(provision), ("h.io", "p", false));
        }
        assert_eq!(node.runs(), runs, "{names} {scope}");
    }
}

#[tokio::test]
async fn who_shared_a_run_that_was_for_another_image_alone_gets_one_of_its_own() {
    let (registry, image) = (slow("Registry"), slow("Image"));
    let body = format!("if [ -e \"${{0%/*}}/../log\" ]; then\n{image}\nelse\n{registry}\nfi");
    let node = Node::new().plugin("p", "h.io", &[], &body);
    let plugin = improved(&node, "one-run-per-registry");
    plugin.provide("h.io/first", None).await;
    let both = tokio::join!(
        plugin.provide("h.io/a", None),
        plugin.provide("h.io/b", None)
    );
    assert_eq!(login(&both.0).1, "p");
    assert_eq!(login(&both.1).1, "p");
    assert_eq!(node.runs(), 3, "one to learn, one shared, one of its own");
}

#[tokio::test]
async fn a_refused_answer_is_dropped_and_the_plugin_asked_anew() {
    let body = answers("Registry", None, "h.io", "u:p");
    let node = Node::new().plugin("p", "h.io", &[], &body);
    let plugin = only(&node);
    let answer_of = |provision| match provision {
        Provision::Answered { answer, .. } => answer,
        other => panic!("{other:?}"),
    };
    let first = answer_of(plugin.provide(IMAGE, None).await);
    let second = answer_of(plugin.ask(IMAGE, None, Some(&first)).await);
    assert!(!Arc::ptr_eq(&first, &second));
    // Whoever comes late with the first one does not drop the second.
    let third = answer_of(plugin.ask(IMAGE, None, Some(&first)).await);
    assert!(Arc::ptr_eq(&second, &third));
    assert_eq!(node.runs(), 2);
}

#[tokio::test]
async fn a_bare_ip_literal_matches_only_on_request() {
    let body = answers("Image", None, "[fe80::1]", "u:p");
    let node = Node::new().plugin("p", "'[fe80::1]'", &[], &body);
    let image = "[fe80::1]/a";
    assert!(!only(&node).matches(image));
    assert!(improved(&node, "literal-ipv6").matches(image));
}
