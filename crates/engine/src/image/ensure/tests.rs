mod limits;
mod runtime;
mod verified;

use std::sync::{Arc, Mutex};

use regcred_core::{Clock, Env};
use regcred_registry::NoProgress;
use tokio::time::advance;

use super::*;
use crate::image::{
    Allowlist, ImageManagerBuilder, PullLimits, PullRecords, StoredImage, VerificationPolicy,
};
use crate::testing::{Node, auths};
use crate::{Engine, Pod};
use runtime::{Runtime, RuntimeImage};

const IMAGE: &str = "h.io/team/app:v1";

/// A manager in front of a runtime, and its events.
struct Bench {
    node: Node,
    runtime: Arc<Runtime>,
    manager: ImageManager<Arc<Runtime>>,
    events: Arc<Mutex<Vec<String>>>,
}

impl Bench {
    fn new(runtime: Runtime) -> Self {
        Self::with(runtime, |builder, _| builder)
    }

    fn verifying(runtime: Runtime, policy: VerificationPolicy) -> Self {
        Self::with(runtime, |builder, node| {
            builder.verify(records(node), policy)
        })
    }

    fn with(
        runtime: Runtime,
        set: impl FnOnce(ImageManagerBuilder<Arc<Runtime>>, &Node) -> ImageManagerBuilder<Arc<Runtime>>,
    ) -> Self {
        let node = Node::new();
        let engine = Engine::builder(&Env::default())
            .docker_configs([node.path("docker.json")])
            .build()
            .expect("sound");
        let (runtime, events) = (Arc::new(runtime), Arc::new(Mutex::new(Vec::new())));
        let heard = Arc::clone(&events);
        let builder =
            ImageManager::builder(engine, Arc::clone(&runtime)).on_event(move |_, event| {
                heard.lock().expect("not poisoned").push(event.to_string());
            });
        Self {
            manager: set(builder, &node).build().expect("sound"),
            node,
            runtime,
            events,
        }
    }

    async fn ensure(&self, policy: PullPolicy, pod: Pod) -> Result<Ensured, PullError> {
        self.ask(&request("pod-1").policy(policy).pod(pod)).await
    }

    async fn ask(&self, request: &PullRequest) -> Result<Ensured, PullError> {
        self.manager.ensure(request, &NoProgress).await
    }

    fn events(&self) -> Vec<String> {
        std::mem::take(&mut self.events.lock().expect("not poisoned"))
    }

    /// A pod with a Secret of its own.
    fn tenant(&self, name: &str, login: &str) -> Pod {
        let config = serde_json::Value::from(auths(&[("h.io", login)]));
        let text = format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: ns, uid: {name}}}\n\
             type: kubernetes.io/dockerconfigjson\nstringData:\n  .dockerconfigjson: {config}\n"
        );
        Pod::new().pull_secret(name, text.into_bytes())
    }
}

type Ensured = PullOutcome<RuntimeImage>;

fn request(pod_uid: &str) -> PullRequest {
    PullRequest::new(IMAGE).pod_uid(pod_uid)
}

fn records(node: &Node) -> PullRecords {
    PullRecords::open(node.path("kubelet"), Clock::system()).expect("records")
}

use PullPolicy::{Always, IfNotPresent, Never};

#[tokio::test(start_paused = true)]
async fn a_pull_has_a_kubelets_events_and_messages() {
    let bench = Bench::new(Runtime {
        takes: Duration::from_millis(1234),
        ..Runtime::with(&[(IMAGE, None)])
    });
    let ensured = bench
        .ensure(IfNotPresent, Pod::new())
        .await
        .expect("public");
    assert_eq!(ensured.image.image_ref(), format!("id of {IMAGE}"));
    assert!(!ensured.was_present && ensured.credential.is_none());
    assert_eq!(
        bench.events(),
        [
            "Normal Pulling: Pulling image \"h.io/team/app:v1\"",
            "Normal Pulled: Successfully pulled image \"h.io/team/app:v1\" in 1.234s (1.234s \
             including waiting). Image size: 42 bytes.",
        ]
    );
    let again = bench.ensure(IfNotPresent, Pod::new()).await.expect("there");
    assert!(again.was_present);
    assert_eq!(
        bench.events(),
        ["Normal Pulled: Container image \"h.io/team/app:v1\" already present on machine"]
    );
    let again = bench.ensure(Always, Pod::new()).await.expect("again");
    assert!(!again.was_present);
}

#[tokio::test]
async fn names_get_a_tag_and_stay_as_written_otherwise() {
    let bench = Bench::new(Runtime::with(&[("nginx:latest", None)]));
    let request = PullRequest::new("nginx");
    bench.ask(&request).await.expect("public");
    assert_eq!(bench.runtime.pulls(), ["nginx:latest anonymous"]);
    assert_eq!(bench.events()[0], "Normal Pulling: Pulling image \"nginx\"");
    let request = PullRequest::new("Nginx:1");
    let error = bench.ask(&request).await.expect_err("upper case");
    assert_eq!(error.waiting_reason(), "InvalidImageName");
    assert_eq!(
        bench.events(),
        [
            "Warning InspectFailed: Failed to apply default image tag \"Nginx:1\": couldn't parse \
             image name \"Nginx:1\": invalid reference format: repository name (library/Nginx) must \
             be lowercase"
        ]
    );
}

#[tokio::test]
async fn an_absent_image_is_reported_by_policy() {
    let bench = Bench::new(Runtime::default());
    let error = bench.ensure(Never, Pod::new()).await.expect_err("absent");
    assert_eq!(error.waiting_reason(), "ErrImageNeverPull");
    let text = "Container image \"h.io/team/app:v1\" is not present with pull policy of Never";
    assert_eq!(error.waiting_message(), text);
    assert_eq!(
        bench.events(),
        [format!("Warning ErrImageNeverPull: {text}")]
    );

    let broken = Runtime {
        broken: true,
        ..Runtime::with(&[(IMAGE, None)])
    };
    let bench = Bench::new(broken);
    let error = bench
        .ensure(IfNotPresent, Pod::new())
        .await
        .expect_err("down");
    assert_eq!(error.waiting_reason(), "ImageInspectError");
    let text = "Failed to inspect image \"\": runtime is down";
    assert_eq!(bench.events(), [format!("Warning InspectFailed: {text}")]);
    let asked = bench.ensure(Always, Pod::new()).await;
    assert!(asked.is_ok(), "the store is not asked then: {asked:?}");
}

#[tokio::test]
async fn a_pull_secret_that_does_not_parse_fails_before_any_attempt() {
    let bench = Bench::new(Runtime::with(&[(IMAGE, None)]));
    let pod = Pod::new().pull_secret("s", b"{\"auths\":{\"h.io\":{\"auth\":\"!\"}}}".to_vec());
    let error = bench.ensure(Always, pod).await.expect_err("malformed");
    assert_eq!(error.waiting_reason(), error.waiting_message());
    assert!(
        error.waiting_message().contains("illegal base64 data"),
        "{error}"
    );
    assert!(bench.runtime.pulls().is_empty() && bench.events().is_empty());
}

#[tokio::test(start_paused = true)]
async fn failures_are_followed_by_a_back_off_of_the_pod_and_image() {
    let bench = Bench::new(Runtime::default());
    let text = "h.io/team/app:v1: not found";
    let error = bench.ensure(Always, Pod::new()).await.expect_err("absent");
    assert_eq!(
        (error.waiting_reason(), error.waiting_message()),
        ("ErrImagePull", text)
    );
    assert_eq!(
        bench.events(),
        [
            "Normal Pulling: Pulling image \"h.io/team/app:v1\"".to_owned(),
            format!("Warning Failed: Failed to pull image \"h.io/team/app:v1\": {text}"),
        ]
    );
    advance(Duration::from_secs(9)).await;
    let error = bench
        .ensure(Always, Pod::new())
        .await
        .expect_err("too soon");
    assert_eq!(error.waiting_reason(), "ImagePullBackOff");
    let waiting = "Back-off pulling image \"h.io/team/app:v1\"";
    assert_eq!(
        error.waiting_message(),
        format!("{waiting}: ErrImagePull: {text}")
    );
    assert_eq!(bench.events(), [format!("Normal BackOff: {waiting}")]);
    let other = request("pod-2");
    let error = bench.ask(&other).await.expect_err("absent");
    assert_eq!(
        error.waiting_reason(),
        "ErrImagePull",
        "another pod does not wait"
    );
    advance(Duration::from_secs(1)).await;
    let error = bench.ensure(Always, Pod::new()).await.expect_err("absent");
    assert_eq!(error.waiting_reason(), "ErrImagePull");
    assert_eq!(bench.runtime.pulls().len(), 3);
}

#[tokio::test]
async fn words_of_the_runtime_become_reasons() {
    for (text, reason, message) in [
        (
            "RegistryUnavailable: for now",
            "RegistryUnavailable",
            "image pull failed for h.io/team/app:v1 because the registry is unavailable: for now",
        ),
        (
            "SignatureValidationFailed: no key",
            "SignatureValidationFailed",
            "image pull failed for h.io/team/app:v1 because the signature validation failed: \
             no key",
        ),
        ("rpc error", "ErrImagePull", "rpc error"),
    ] {
        let bench = Bench::new(Runtime::default());
        let failing = &bench.runtime.failing;
        failing.lock().expect("not poisoned").push_back(text);
        let error = bench.ensure(Always, Pod::new()).await.expect_err("failing");
        assert_eq!(
            (error.waiting_reason(), error.waiting_message()),
            (reason, message)
        );
        assert!(
            bench.events()[1].ends_with(&format!(": {text}")),
            "as it came"
        );
    }
}

#[tokio::test]
async fn every_credential_is_tried_whatever_the_error_and_equal_messages_appear_once() {
    let bench = Bench::new(Runtime::with(&[(IMAGE, Some("c:3"))]));
    let config = auths(&[
        ("h.io/team/app", "a:1"),
        ("h.io/team", "b:2"),
        ("h.io", "c:3"),
    ]);
    bench.node.write("docker.json", &config);
    let failing = &bench.runtime.failing;
    failing
        .lock()
        .expect("not poisoned")
        .push_back("connection reset");
    let ensured = bench.ensure(Always, Pod::new()).await.expect("the third");
    assert_eq!(ensured.attempts.len(), 2);
    assert_eq!(ensured.credential.expect("a credential").username, "c");

    let bench = Bench::new(Runtime::with(&[(IMAGE, Some("z:9"))]));
    bench.node.write("docker.json", &config);
    let failing = &bench.runtime.failing;
    failing
        .lock()
        .expect("not poisoned")
        .push_back("connection reset");
    let error = bench
        .ensure(Always, Pod::new())
        .await
        .expect_err("none is right");
    assert_eq!(
        error.waiting_message(),
        "[connection reset, h.io/team/app:v1: access denied]"
    );
    assert_eq!(bench.runtime.pulls().len(), 3, "no anonymous attempt");
}

#[test]
fn ensuring_an_image_can_move_between_threads() {
    fn check<T: Send>(_: T) {}
    fn all(manager: &ImageManager<Arc<Runtime>>, request: &PullRequest) {
        check(manager.ensure(request, &NoProgress));
        check(manager.start());
    }
    let _ = all;
}
