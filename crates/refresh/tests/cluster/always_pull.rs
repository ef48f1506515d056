//! The policies that set and demand `imagePullPolicy: Always`, on a real cluster: a fake cannot
//! evaluate them. No node is needed: the pods stay pending.

use http::Method;
use serde_json::{Value, json};

use crate::manifests::{apply, manifest};
use crate::stage::{Raw, Stage};

#[tokio::test]
#[ignore = "needs a test cluster in REGCRED_TEST_KUBECONFIG"]
async fn live_policies_set_always_and_refuse_the_rest() {
    let stage = Stage::live().await;
    let ns = stage.namespace("a", json!({})).await;
    let there = async || stage.get(&ns, "serviceaccounts", "default").await.is_some();
    stage.until("the account", there).await;
    let pods = Pods {
        stage: &stage,
        namespace: ns,
    };
    // From before the policies: it may still be labelled, and gets no new image.
    let (code, old) = pods.make("old", &pod("Never", "Never", "Never")).await;
    assert_eq!(code, 201, "{old}");

    for object in bound_to_tests(&stage, "always-pull/validate.yaml") {
        apply(&stage, &object).await;
    }
    let refuses = async || {
        pods.make("probe", &pod("Never", "Always", "Always"))
            .await
            .0
            == 422
    };
    stage.until("a policy that is in force", refuses).await;
    for (what, body) in [
        ("a container", pod("IfNotPresent", "Always", "Always")),
        ("an init container", pod("Always", "IfNotPresent", "Always")),
        ("an image volume", pod("Always", "Always", "IfNotPresent")),
    ] {
        let (code, answer) = pods.make("refused", &body).await;
        assert_eq!(code, 422, "{what}: {answer}");
        let message = answer["message"].as_str().unwrap_or_default();
        assert!(message.contains("\"Always\""), "{what}: {message}");
    }
    let (code, answer) = pods.make("good", &pod("Always", "Always", "Always")).await;
    assert_eq!(code, 201, "{answer}");
    assert_eq!(pods.debug("good", "first", "Never").await.0, 422);
    assert_eq!(pods.debug("good", "first", "Always").await.0, 200);
    let mut old = pods.get("old").await;
    old["metadata"]["labels"] = json!({"x": "y"});
    assert_eq!(pods.update("", &old).await.0, 200, "no new image");
    old = pods.get("old").await;
    old["spec"]["containers"][0]["image"] = "registry.test/app:v2".into();
    assert_eq!(
        pods.update("", &old).await.0,
        422,
        "a new image under the old policy"
    );

    for object in bound_to_tests(&stage, "always-pull/mutate.yaml") {
        apply(&stage, &object).await;
    }
    let sets = async || {
        pods.make("set", &pod("Never", "IfNotPresent", "Never"))
            .await
            .0
            == 201
    };
    stage.until("a policy that sets", sets).await;
    let set = pods.get("set").await;
    for place in [
        "/spec/containers/0/imagePullPolicy",
        "/spec/containers/1/imagePullPolicy",
        "/spec/initContainers/0/imagePullPolicy",
        "/spec/volumes/0/image/pullPolicy",
    ] {
        assert_eq!(set.pointer(place), Some(&json!("Always")), "{place}: {set}");
    }
    // Nothing else of them is touched.
    assert_eq!(
        set["spec"]["containers"][0]["image"],
        "registry.test/app:v1"
    );
    assert_eq!(set["spec"]["containers"][1]["command"], json!(["second"]));
    assert_eq!(
        set["spec"]["volumes"][0]["image"]["reference"],
        "registry.test/data:v1"
    );
    let debugged = async || pods.debug("set", "first", "Never").await.0 == 200;
    stage.until("the sub-resource's policy", debugged).await;
    assert_eq!(pods.debug("set", "second", "IfNotPresent").await.0, 200);
    let set = pods.get("set").await;
    for place in [0, 1] {
        let container = &set["spec"]["ephemeralContainers"][place];
        assert_eq!(container["imagePullPolicy"], "Always", "{container}");
    }
    // A new image there needs no change. In a pod from before, whose policy cannot be changed any
    // more, it is refused.
    for (name, expected) in [("set", 200), ("old", 422)] {
        let mut pod = pods.get(name).await;
        pod["spec"]["containers"][0]["image"] = "registry.test/app:v3".into();
        let (code, answer) = pods.update("", &pod).await;
        assert_eq!(code, expected, "{name}: {answer}");
    }
    stage.end().await;
}

struct Pods<'a> {
    stage: &'a Stage,
    namespace: String,
}

impl Pods<'_> {
    fn path(&self) -> String {
        format!("/api/v1/namespaces/{}/pods", self.namespace)
    }

    async fn make(&self, name: &str, pod: &Value) -> (u16, Value) {
        let mut pod = pod.clone();
        pod["metadata"] = json!({"name": name});
        self.stage
            .raw(Raw::new(Method::POST, &self.path(), pod))
            .await
    }

    async fn get(&self, name: &str) -> Value {
        let path = format!("{}/{name}", self.path());
        self.stage.raw(Raw::get(&path)).await.1
    }

    async fn update(&self, subresource: &str, pod: &Value) -> (u16, Value) {
        let name = pod["metadata"]["name"].as_str().expect("a name");
        let path = format!("{}/{name}{subresource}", self.path());
        self.stage
            .raw(Raw::new(Method::PUT, &path, pod.clone()))
            .await
    }

    /// What `kubectl debug` does.
    async fn debug(&self, pod: &str, name: &str, policy: &str) -> (u16, Value) {
        let mut pod = self.get(pod).await;
        let added =
            json!({"name": name, "image": "registry.test/debug", "imagePullPolicy": policy});
        match pod["spec"]["ephemeralContainers"].as_array_mut() {
            Some(list) => list.push(added),
            None => pod["spec"]["ephemeralContainers"] = json!([added]),
        }
        self.update("/ephemeralcontainers", &pod).await
    }
}

/// The objects of a manifest; bindings only for the namespaces of this test, whatever else the
/// cluster is used for.
fn bound_to_tests(stage: &Stage, file: &str) -> Vec<Value> {
    let mut objects = manifest(stage, file);
    for object in &mut objects {
        let rules = object.pointer_mut("/spec/matchResources/namespaceSelector/matchExpressions");
        if let Some(rules) = rules.and_then(Value::as_array_mut) {
            let name = stage.ns("a");
            let only = json!({
                "key": "kubernetes.io/metadata.name", "operator": "In", "values": [name],
            });
            rules.push(only);
        }
    }
    objects
}

fn pod(container: &str, init: &str, volume: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "spec": {
            "initContainers": [
                {"name": "init", "image": "registry.test/init:v1", "imagePullPolicy": init},
            ],
            "containers": [
                {
                    "name": "app", "image": "registry.test/app:v1", "imagePullPolicy": container,
                    "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                },
                {
                    "name": "side", "image": "registry.test/side:v1", "imagePullPolicy": container,
                    "command": ["second"],
                },
            ],
            "volumes": [
                {"name": "data", "image": {"reference": "registry.test/data:v1", "pullPolicy": volume}},
            ],
        },
    })
}
