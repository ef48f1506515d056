mod improved;
mod token_mode;

use std::collections::BTreeMap;
use std::fs;

use regcred_core::CacheScope;

use super::*;
use crate::testing::{Node, answers};
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
    let node = Node::new().plugin("p", "h.io", &[], &body);
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

/// The clock is paused until the plugin has written to standard error and waits.
#[tokio::test(start_paused = true)]
async fn a_plugin_that_hangs_is_ended() {
    let body = "echo waiting >&2; : > \"$0.said\"; sleep 1000";
    let node = Node::new().plugin("p", "h.io", &[], body);
    let engine = node.engine().plugin_deadline(Duration::from_millis(500));
    let plugin = engine.build().expect("sound").plugins()[0].clone();
    let said = async {
        while !node.path("bin/p.said").exists() {
            // A blocking task keeps the paused clock where it is.
            let wait = || std::thread::sleep(Duration::from_millis(2));
            tokio::task::spawn_blocking(wait).await.expect("a thread");
        }
    };
    let (provision, ()) = tokio::join!(plugin.provide(IMAGE, None), said);
    let Provision::Failed { error, took } = provision else {
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
async fn a_program_that_was_removed_is_named() {
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

#[tokio::test]
async fn a_program_that_exists_and_does_not_start_is_explained() {
    for (content, why, advice) in [
        (
            &b"#!/lib/missing/sh -e\n"[..],
            "no such file or directory",
            "the interpreter \"/lib/missing/sh\"",
        ),
        (
            b"#!/bin/sh\r\ncat\r\n",
            "no such file or directory",
            "the interpreter \"/bin/sh\\r\"",
        ),
        (
            b"\x7fELF\x02\x01\x01\x00",
            "exec format error",
            "for this machine's architecture",
        ),
        (b"cat\n", "exec format error", "nor a script"),
    ] {
        let node = Node::new().plugin("p", "h.io", &[], "");
        let plugin = only(&node);
        fs::write(node.path("bin/p"), content).expect("plugin");
        let Provision::Failed { error, .. } = plugin.provide(IMAGE, None).await else {
            panic!("it cannot start");
        };
        assert!(error.to_string().ends_with(why), "{error}");
        let line = error.line();
        let start = format!("plugin p failed: {error} (");
        assert!(line.contains(advice) && line.starts_with(&start), "{line}");
    }
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
        matches!(&first, Provision::Answered { answer, .. } if answer.cache_key_type == CacheScope::Global)
    );
    assert!(login(&plugin.provide("i.io/x", None).await).2);
    assert_eq!(node.runs(), 1);
}
