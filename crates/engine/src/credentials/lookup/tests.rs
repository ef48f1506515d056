use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::DateTime;
use regcred_core::{Clock, Env};
use secrecy::ExposeSecret;

use super::*;
use crate::engine::EngineBuilder;
use crate::testing::{Node, answers, auths};
use crate::{Improvements, PodCredentials};

const IMAGE: &str = "h.io/team/app";

fn builder(node: &Node) -> EngineBuilder {
    node.engine().docker_configs([node.path("docker.json")])
}

fn shown(lookup: &Lookup) -> Vec<String> {
    let candidates = lookup.candidates.iter();
    let shown = candidates.map(|c| {
        let password = c.credentials.password.expose_secret();
        format!("{}:{password}@{}", c.credentials.username, c.key)
    });
    shown.collect()
}

#[tokio::test]
async fn pull_secrets_come_before_the_node_and_the_node_before_plugins() {
    let node = Node::new()
        .plugin("a", "h.io", &[], &answers("Image", None, "*.io", "a:1"))
        .plugin(
            "b",
            "h.io",
            &[],
            &answers("Image", None, "h.io/team", "b:2"),
        );
    node.write("docker.json", &auths(&[("h.io", "node:3")]));
    let secret = node.write("secret.json", &auths(&[("*.io", "pod:4")]));
    let pod = Pod::new()
        .pull_secret_file(secret)
        .pull_secret("inline", auths(&[("h.io/team/app", "doc:5")]).into_bytes());
    let engine = builder(&node).build().expect("sound");
    let lookup = engine.lookup(IMAGE, &pod).await.expect("readable");
    assert_eq!(
        shown(&lookup),
        [
            "doc:5@h.io/team/app",
            "pod:4@*.io",
            "node:3@h.io",
            "b:2@h.io/team",
            "a:1@*.io"
        ],
        "keys decide within a source, sources come in order"
    );
}

#[tokio::test]
async fn config_order_decides_between_equal_keys_of_plugins() {
    let node = Node::new()
        .plugin("z", "h.io", &[], &answers("Image", None, "h.io", "z:1"))
        .plugin("a", "h.io", &[], &answers("Image", None, "h.io", "a:2"));
    let engine = builder(&node).build().expect("sound");
    let lookup = engine.lookup(IMAGE, &Pod::new()).await.expect("readable");
    assert_eq!(shown(&lookup), ["z:1@h.io", "a:2@h.io"]);
}

#[tokio::test]
async fn answered_keys_are_matched_again() {
    let node = Node::new().plugin("a", "h.io", &[], &answers("Image", None, "i.io", "a:1"));
    let engine = builder(&node).build().expect("sound");
    let lookup = engine.lookup(IMAGE, &Pod::new()).await.expect("readable");
    assert_eq!(shown(&lookup), Vec::<String>::new());
}

#[tokio::test]
async fn a_plugin_that_fails_does_not_stop_the_others() {
    let node = Node::new()
        .plugin("bad", "h.io", &[], "echo broken >&2; exit 2")
        .plugin(
            "good",
            "h.io",
            &[],
            &answers("Image", None, "h.io", "good:1"),
        );
    let engine = builder(&node).build().expect("sound");
    let lookup = engine.lookup(IMAGE, &Pod::new()).await.expect("readable");
    assert_eq!(shown(&lookup), ["good:1@h.io"]);
    let failures: Vec<&str> = lookup.failures().map(PluginError::plugin).collect();
    assert_eq!(failures, ["bad"]);
}

#[tokio::test]
async fn a_malformed_pull_secret_fails_the_look_up() {
    let node = Node::new().plugin("a", "h.io", &[], &answers("Image", None, "h.io", "a:1"));
    let secret = node.write("secret.json", r#"{"auths":{"h.io":{"auth":"canary!"}}}"#);
    let engine = builder(&node).build().expect("sound");
    let pod = Pod::new().pull_secret_file(&secret);
    let error = engine.lookup(IMAGE, &pod).await.expect_err("malformed");
    let text = regcred_core::report(&error);
    assert!(
        text.contains("secret.json") && !text.contains("canary"),
        "{text}"
    );
    assert_eq!(
        node.runs(),
        0,
        "no plugin is run for a pull that has failed"
    );
    let missing = Pod::new().pull_secret_file(node.path("missing"));
    assert!(engine.lookup(IMAGE, &missing).await.is_err());
}

#[tokio::test]
async fn the_email_of_an_entry_is_a_part_of_its_hash_in_a_pull_record() {
    let engine = Engine::builder(&Env::default()).build().expect("sound");
    let entry = r#"{"username":"user","password":"canary","email":"me@h.io"}"#;
    let config = format!(r#"{{"auths":{{"h.io":{entry}}}}}"#);
    let manifest = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\ntype: \
         kubernetes.io/dockerconfigjson\nstringData: {{.dockerconfigjson: '{config}'}}\n"
    );
    let pod = Pod::new().pull_secret("s.yaml", manifest.into_bytes());
    let lookup = engine.lookup(IMAGE, &pod).await.expect("readable");
    let recorded = PodCredentials::of(&lookup.candidates);
    // printf '{"username":"user","password":"canary","email":"me@h.io"}' | sha256sum
    let hash = "29337fd57a986b85c56f6ff2d3a6eb72402790d99fa222a351e48024578c3552";
    assert_eq!(recorded.secrets[0].credential_hash, hash);
}

#[tokio::test]
async fn what_a_kubelet_passes_over_is_listed() {
    let token_mode = "tokenAttributes: {serviceAccountTokenAudience: aud, cacheType: \
                      ServiceAccount, requireServiceAccount: true}";
    let node = Node::new().plugin("a", "h.io", &[token_mode], "exit 1");
    let docker = node.write("docker.json", "{");
    let used = node.write(
        "used.json",
        r#"{"credsStore":"x","auths":{"h.io":{"identitytoken":"canary"},"me:canary@h.io:p":{}}}"#,
    );
    let opaque = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {}\n";
    let secrets = node.write("secrets.yaml", opaque);
    let engine = node.engine().docker_configs([docker.clone(), used.clone()]);
    let engine = engine.build().expect("sound");
    let pod = Pod::new().pull_secret_file(&secrets);
    let lookup = engine.lookup(IMAGE, &pod).await.expect("readable");
    let [docker, used, secrets] = [docker, used, secrets].map(|path| path.display().to_string());
    assert_eq!(
        lookup.passed_over(),
        [
            format!(
                "pull secret s ({secrets}): type \"Opaque\" is not a pull secret's: expected \
                 kubernetes.io/dockerconfigjson or kubernetes.io/dockercfg"
            ),
            format!("{docker}: unparsable: unexpected end of JSON input"),
            format!("{used}: credsStore is ignored by the kubelet"),
            format!(
                "docker config {used}: entry \"h.io:p\" is left out: invalid port \":p\" after host"
            ),
            format!(
                "docker config {used}: entry \"h.io\": identitytoken is ignored by the kubelet"
            ),
            format!("docker config {used}: entry \"h.io\": user name and password are empty"),
            "plugin a is skipped: it requires a service account and the pod has none".to_owned(),
        ]
    );
}

#[test]
fn a_pull_secret_that_was_named_must_be_one_that_a_kubelet_uses() {
    let node = Node::new();
    let rules = Improvements::default().keyring;
    let manifest = |kind: &str, rest: &str| {
        format!("apiVersion: v1\nkind: {kind}\nmetadata: {{name: s}}\n{rest}\n")
    };
    let key = "data: {.dockerconfigjson: e30=}";
    let good = manifest(
        "Secret",
        &format!("type: kubernetes.io/dockerconfigjson\n{key}"),
    );
    for (text, why) in [
        (
            manifest("Secret", key),
            "type \"Opaque\" is not a pull secret's",
        ),
        (
            manifest("Secret", &format!("type: kubernetes.io/dockercfg\n{key}")),
            "it has no key .dockercfg",
        ),
        (manifest("Pod", ""), "Pod of \"v1\" is not a Secret"),
        (String::new(), "it is empty"),
        ("{".to_owned(), "unexpected end of JSON input"),
        (good.clone(), ""),
        (format!("{}---\n{good}", manifest("Pod", "")), ""),
    ] {
        let path = node.write("secret.yaml", &text);
        let checked = Pod::new().pull_secret_file(&path).check_pull_secrets(rules);
        match checked {
            Ok(()) => assert_eq!(why, "", "{text}"),
            Err(error) => {
                let error = regcred_core::report(&error);
                assert!(!why.is_empty() && error.contains(why), "{text}: {error}");
                assert!(error.contains("secret.yaml"), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn a_search_for_the_docker_config_counts_for_five_minutes() {
    let now = Arc::new(AtomicI64::new(1_000_000));
    let seconds = Arc::clone(&now);
    let clock = Clock::from_fn(move || {
        DateTime::from_timestamp(seconds.load(Ordering::SeqCst), 0).expect("in range")
    });
    let node = Node::new();
    let engine = Engine::builder(&Env::default())
        .docker_configs([node.path("docker.json")])
        .clock(clock)
        .build()
        .expect("sound");
    let found = async || {
        let lookup = engine.lookup(IMAGE, &Pod::new()).await.expect("readable");
        shown(&lookup).len()
    };
    assert_eq!(found().await, 0);
    node.write("docker.json", &auths(&[("h.io", "node:3")]));
    now.fetch_add(299, Ordering::SeqCst);
    assert_eq!(found().await, 0);
    now.fetch_add(1, Ordering::SeqCst);
    assert_eq!(found().await, 1);
}

#[tokio::test]
async fn the_search_starts_from_root_dir_working_dir_and_home() {
    let node = Node::new();
    let engine = Engine::builder(&Env::map([(
        "HOME",
        node.path("home").display().to_string(),
    )]))
    .root_dir(node.path("root"))
    .working_dir(node.path("cwd"))
    .build()
    .expect("sound");
    let files: Vec<PathBuf> = engine
        .node_config()
        .files
        .iter()
        .map(|f| f.path.clone())
        .collect();
    let expected = [
        "root/config.json",
        "cwd/config.json",
        "home/.docker/config.json",
    ];
    assert_eq!(files[..3], expected.map(|name| node.path(name)));
    assert_eq!(files.len(), 8);
}

#[test]
fn one_flag_alone_is_an_error_as_in_the_kubelet() {
    let node = Node::new();
    let bin = Engine::builder(&Env::default())
        .bin_dir(node.path("bin"))
        .build();
    let text = bin.expect_err("no config").to_string();
    assert_eq!(text, "credential provider config path is empty");
    let config = Engine::builder(&Env::default())
        .provider_config(node.path("config.yaml"))
        .build();
    let text = config.expect_err("no bin dir").to_string();
    assert_eq!(text, "plugin binary directory  did not exist");
}

#[test]
fn an_inspection_shows_plugins_and_docker_configuration() {
    let node = Node::new().plugin("p", "h.io", &[], "");
    node.write("docker.json", "broken");
    let report = builder(&node).inspect();
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    assert_eq!(report.programs, [Some(node.path("bin/p"))]);
    let outcome = report.docker.files[0].outcome.to_string();
    assert!(outcome.starts_with("unparsable: "), "{outcome}");
    assert_eq!(node.runs(), 0);
    let report = Engine::builder(&Env::default()).inspect();
    assert!(report.config.is_none() && report.problems.is_empty());
}

#[test]
fn futures_can_move_between_threads() {
    fn assert_send<T: Send>(value: T) -> T {
        value
    }
    let engine = Engine::builder(&Env::default()).build().expect("sound");
    let pod = Pod::new();
    drop(assert_send(engine.lookup(IMAGE, &pod)));
    drop(assert_send(engine.explain(
        IMAGE,
        &pod,
        crate::Tries::all(),
    )));
}
