mod improvements;
mod mirrors;

use std::fs;

use regcred_core::{Env, ErrorKind};
use regcred_registry::{Hosts, Layout, NoProgress, PullOptions};

use super::*;
use crate::Pod;
use crate::image::{PullPolicy, PullReason};
use crate::testing::{FakeRegistry, Node, answers, auths};

const IMAGE: &str = "h.io/team/app:v1";

/// A node with a docker configuration and plugins, in front of a registry.
struct Bench {
    node: Node,
    registry: FakeRegistry,
    engine: Engine,
    store: LayoutStore,
}

impl Bench {
    async fn new(login: Option<&str>, node: Node) -> Self {
        Self::improved(FakeRegistry::start(login).await, node, "")
    }

    fn improved(registry: FakeRegistry, node: Node, improvements: &str) -> Self {
        let hosts = Hosts::new([registry.stand_for_h_io(&node)]);
        let mut builder = Engine::builder(&Env::default())
            .docker_configs([node.path("docker.json")])
            .improvements(improvements.parse().expect("known"))
            .hosts(hosts);
        if node.has_plugins() {
            builder = builder
                .provider_config(node.path("config.yaml"))
                .bin_dir(node.path("bin"));
        }
        let engine = builder.build().expect("sound");
        let layout = Layout::open_or_create(node.path("store")).expect("a store");
        Self {
            store: LayoutStore::new(&engine, layout, PullOptions::default()),
            engine,
            node,
            registry,
        }
    }

    async fn pull(&self, request: PullRequest) -> Result<PullOutcome, PullError> {
        self.engine.pull(&request, &self.store, &NoProgress).await
    }
}

fn request(policy: PullPolicy) -> PullRequest {
    PullRequest::new(IMAGE).policy(policy)
}

#[tokio::test]
async fn without_any_credential_there_is_one_anonymous_attempt() {
    let bench = Bench::new(None, Node::new()).await;
    let outcome = bench.pull(PullRequest::new(IMAGE)).await.expect("public");
    assert_eq!(&outcome.image.digest, bench.registry.digest());
    assert_eq!(
        (outcome.policy, outcome.was_present),
        (PullPolicy::IfNotPresent, false)
    );
    assert!(outcome.credential.is_none() && outcome.attempts.is_empty());
    let message = &outcome.message;
    let size = outcome.image.size;
    assert!(
        message.starts_with("Successfully pulled image \"h.io/team/app:v1\" in "),
        "{message}"
    );
    assert!(
        message.ends_with(&format!("including waiting). Image size: {size} bytes.")),
        "{message}"
    );

    let bench = Bench::new(Some("u:p"), Node::new()).await;
    let error = bench
        .pull(PullRequest::new(IMAGE))
        .await
        .expect_err("private");
    assert!(matches!(error.attempts(), [attempt] if attempt.credential.is_none()));
    assert_eq!(error.kind(), Some(ErrorKind::Denied));
}

#[tokio::test]
async fn credentials_are_tried_in_order_until_one_works() {
    let node = Node::new().plugin(
        "p",
        "h.io",
        &[],
        &answers("Registry", None, "h.io", "AWS:right"),
    );
    node.write("docker.json", &auths(&[("h.io", "node:stale")]));
    let secret = node.write("secret.json", &auths(&[("h.io", "pod:stale")]));
    let bench = Bench::new(Some("AWS:right"), node).await;
    let pod = Pod::new().pull_secret_file(&secret);
    let outcome = bench
        .pull(request(PullPolicy::Always).pod(pod))
        .await
        .expect("the plugin's");
    let failed: Vec<String> = outcome.attempts.iter().map(ToString::to_string).collect();
    assert_eq!(failed.len(), 2);
    let label = format!(
        "pull secret {} (key h.io, user pod): pull access denied",
        secret.display()
    );
    assert!(failed[0].starts_with(&label), "{failed:?}");
    assert!(
        failed[1].contains("docker.json (key h.io, user node)"),
        "{failed:?}"
    );
    let login = outcome.credential.expect("a credential");
    assert_eq!(login.to_string(), "plugin p (key h.io, user AWS)");
}

#[tokio::test]
async fn whatever_a_registry_answers_to_a_login_the_next_has_its_turn() {
    for status in [400, 405, 406, 422] {
        let node = Node::new();
        let first = node.write("first.json", &auths(&[("h.io", "u:bad")]));
        let second = node.write("second.json", &auths(&[("h.io", "u:good")]));
        let registry = FakeRegistry::start_refusing_with(status, "u:good").await;
        let bench = Bench::improved(registry, node, "");
        let pod = Pod::new().pull_secret_file(first).pull_secret_file(&second);
        let outcome = bench.pull(PullRequest::new(IMAGE).pod(pod)).await;
        let outcome = outcome.expect("by the second");
        assert_eq!(outcome.attempts.len(), 1, "{status}");
        let source = outcome.credential.expect("a credential").source;
        assert_eq!(source, format!("pull secret {}", second.display()));
    }
}

#[tokio::test]
async fn when_all_fail_equal_messages_appear_once() {
    let node = Node::new();
    node.write(
        "docker.json",
        &auths(&[("h.io", "b:2"), ("h.io/team", "a:1")]),
    );
    let bench = Bench::new(Some("u:p"), node).await;
    let error = bench
        .pull(PullRequest::new(IMAGE))
        .await
        .expect_err("refused");
    assert_eq!(error.reason(), PullReason::ErrImagePull);
    let users: Vec<_> = error
        .attempts()
        .iter()
        .flat_map(|a| &a.credential)
        .map(|l| &*l.username)
        .collect();
    assert_eq!(users, ["a", "b"]);
    let text = error.to_string();
    let start = "Failed to pull image \"h.io/team/app:v1\": pull access denied for h.io/team/app";
    assert!(text.starts_with(start), "{text}");
    assert_eq!(text.matches("denied").count(), 1, "{text}");
}

#[tokio::test]
async fn equal_logins_are_tried_once() {
    let node = Node::new();
    node.write(
        "docker.json",
        &auths(&[("h.io", "a:1"), ("h.io/team", "a:1")]),
    );
    let bench = Bench::new(Some("u:p"), node).await;
    let error = bench
        .pull(PullRequest::new(IMAGE))
        .await
        .expect_err("refused");
    assert_eq!(error.attempts().len(), 1);
}

#[tokio::test]
async fn what_no_credential_can_cure_ends_the_turn() {
    let node = Node::new();
    node.write(
        "docker.json",
        &auths(&[("h.io", "b:2"), ("h.io/team", "a:1")]),
    );
    let bench = Bench::new(None, node).await;
    // No server listens on port 1.
    bench
        .node
        .write("hosts/h.io/hosts.toml", "server = \"http://127.0.0.1:1\"\n");
    let error = bench
        .pull(PullRequest::new(IMAGE))
        .await
        .expect_err("no server");
    assert_eq!(error.attempts().len(), 1);
    assert_eq!(error.kind(), Some(ErrorKind::Unreachable));
    assert!(!error.attempts()[0].error.refused);
    let shown = error.attempts()[0].to_string();
    assert!(
        shown.contains("user a), not sent: cannot fetch "),
        "{shown}"
    );
}

#[tokio::test]
async fn plugins_that_fail_are_part_of_the_outcome() {
    let node = Node::new().plugin("p", "h.io", &[], "echo no role >&2; exit 5");
    let bench = Bench::new(Some("u:p"), node).await;
    let error = bench
        .pull(PullRequest::new(IMAGE))
        .await
        .expect_err("private");
    assert!(matches!(error.failures(), [failure] if failure.to_string().ends_with("no role")));
    let verdict = error.verdict().to_string();
    let part = "exit status 5: no role; environment of this command, not of a kubelet: ";
    assert!(verdict.contains(part), "{verdict}");
    assert!(
        error.attempts()[0].credential.is_none(),
        "nothing else to try"
    );

    bench.node.write("docker.json", &auths(&[("h.io", "u:p")]));
    let node = Node::new().plugin("p", "h.io", &[], "exit 5");
    node.write("docker.json", &auths(&[("h.io", "u:p")]));
    let bench = Bench::new(Some("u:p"), node).await;
    let outcome = bench
        .pull(PullRequest::new(IMAGE))
        .await
        .expect("by the node's login");
    assert_eq!(outcome.failures.len(), 1);
}

#[tokio::test]
async fn the_policy_decides_whether_the_registry_is_asked() {
    let bench = Bench::new(None, Node::new()).await;
    let never = bench
        .pull(request(PullPolicy::Never))
        .await
        .expect_err("absent");
    assert_eq!(never.reason(), PullReason::ErrImageNeverPull);
    assert_eq!(
        never.to_string(),
        "Container image \"h.io/team/app:v1\" is not present with pull policy of Never"
    );
    assert_eq!(bench.registry.seen().len(), 0);
    let verdict = never.verdict().to_string();
    let next = "of Never; pull it first, with the policy IfNotPresent or Always";
    assert!(verdict.ends_with(next), "{verdict}");

    bench
        .pull(request(PullPolicy::IfNotPresent))
        .await
        .expect("pulled");
    let asked = bench.registry.seen().len();
    for policy in [PullPolicy::IfNotPresent, PullPolicy::Never] {
        let outcome = bench.pull(request(policy)).await.expect("present");
        assert!(outcome.was_present);
        assert_eq!(&outcome.image.digest, bench.registry.digest());
        let text = "Container image \"h.io/team/app:v1\" already present on machine";
        assert_eq!(outcome.message, text);
    }
    assert_eq!(bench.registry.seen().len(), asked);

    let outcome = bench
        .pull(request(PullPolicy::Always))
        .await
        .expect("pulled");
    assert!(!outcome.was_present);
    let again = &bench.registry.seen()[asked..];
    assert!(
        again.iter().all(|seen| seen.path.ends_with("manifests/v1")),
        "{again:?}"
    );
}

#[tokio::test]
async fn an_image_that_is_not_whole_is_not_present() {
    let bench = Bench::new(None, Node::new()).await;
    let outcome = bench
        .pull(request(PullPolicy::Always))
        .await
        .expect("pulled");
    let config = outcome.image.config.expect("one image");
    fs::remove_file(bench.store.layout().blob_path(&config)).expect("a blob");
    assert!(bench.pull(request(PullPolicy::Never)).await.is_err());
    let outcome = bench
        .pull(request(PullPolicy::IfNotPresent))
        .await
        .expect("pulled");
    assert_eq!(
        (outcome.was_present, outcome.image.fetched_blobs),
        (false, 1)
    );
}

#[tokio::test]
async fn invalid_names_are_refused_in_the_kubelets_words() {
    let bench = Bench::new(None, Node::new()).await;
    let error = bench
        .pull(PullRequest::new("h.io/App"))
        .await
        .expect_err("no name");
    assert_eq!(error.reason(), PullReason::InvalidImageName);
    assert_eq!(
        error.to_string(),
        "Failed to apply default image tag \"h.io/App\": couldn't parse image name \
         \"h.io/App\": invalid reference format: repository name (App) must be lowercase"
    );
    let pasted = bench
        .pull(PullRequest::new("https://me:canary@h.io/x"))
        .await;
    let error = pasted.expect_err("no name");
    assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
}

#[tokio::test]
async fn a_malformed_pull_secret_fails_the_pull_before_any_attempt() {
    let bench = Bench::new(None, Node::new()).await;
    let pod = Pod::new().pull_secret("secret", b"{\"auths\":[]}".to_vec());
    let error = bench
        .pull(request(PullPolicy::Always).pod(pod))
        .await
        .expect_err("malformed");
    assert_eq!(error.reason(), PullReason::ErrImagePull);
    assert!(error.attempts().is_empty() && error.kind().is_none());
    assert_eq!(bench.registry.seen().len(), 0);
}

#[tokio::test]
async fn a_store_that_cannot_be_read_is_an_inspect_error() {
    let bench = Bench::new(None, Node::new()).await;
    fs::write(bench.store.layout().root().join("index.json"), "garbage").expect("index");
    let error = bench
        .pull(request(PullPolicy::Never))
        .await
        .expect_err("unreadable");
    assert_eq!(error.reason(), PullReason::ImageInspectError);
    let start = "Failed to inspect image \"h.io/team/app:v1\": ";
    assert!(error.to_string().starts_with(start), "{error}");
}

#[tokio::test]
async fn a_login_goes_to_the_registry_only_when_it_asks() {
    let node = Node::new();
    node.write("docker.json", &auths(&[("h.io", "u:p")]));
    let bench = Bench::new(None, node).await;
    let outcome = bench.pull(PullRequest::new(IMAGE)).await.expect("public");
    assert_eq!(outcome.image.login_sent, Some(false));
    assert!(
        bench
            .registry
            .seen()
            .iter()
            .all(|seen| seen.authorization().is_none())
    );
}

#[test]
fn a_pull_can_move_between_threads() {
    fn check<T: Send>(_: T) {}
    fn pull(engine: &Engine, request: &PullRequest, store: &LayoutStore) {
        check(engine.pull(request, store, &NoProgress));
        check(engine.lookup("h.io/a", &Pod::new()));
        check(engine.explain("h.io/a", &Pod::new(), crate::Tries::all()));
    }
    let _ = pull;
}
