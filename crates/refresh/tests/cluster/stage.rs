//! A cluster for a test: the fake, or the one that `REGCRED_TEST_KUBECONFIG` names. Tests see no
//! difference but in what only a fake can be told to do.

use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Method, Request};
use http_body_util::BodyExt as _;
use regcred_refresh::{Action, Config, Handle, Mode, Plan, Refresher, Report, connect};
use regcred_tests::FakeKube;
use serde_json::{Value, json};

use crate::cloud::{Cloud, Moved, SPEC};
pub(crate) use crate::pull_secret::{config_of, password, theirs};
pub(crate) use crate::raw::Raw;

pub(crate) struct Stage {
    pub(crate) fake: Option<FakeKube>,
    pub(crate) cloud: Arc<Cloud>,
    pub(crate) time: Moved,
    /// Part of every name that is made, so that tests and runs do not meet in a real cluster.
    pub(crate) id: String,
    /// Of an administrator.
    admin: PathBuf,
    /// Whom the refresher acts as.
    kubeconfig: Mutex<PathBuf>,
    client: kube::Client,
    /// Paths of what a real cluster would keep.
    made: Mutex<Vec<String>>,
    directory: tempfile::TempDir,
}

impl Stage {
    pub(crate) async fn fake() -> Self {
        let fake = FakeKube::start();
        let directory = tempfile::tempdir().expect("a directory");
        let kubeconfig = fake.kubeconfig(directory.path());
        Self::new(Some(fake), kubeconfig, directory).await
    }

    /// The cluster of `REGCRED_TEST_KUBECONFIG`.
    #[expect(
        clippy::disallowed_methods,
        reason = "a test that runs against a real cluster"
    )]
    pub(crate) async fn live() -> Self {
        let path = std::env::var("REGCRED_TEST_KUBECONFIG");
        let path = path.expect("REGCRED_TEST_KUBECONFIG names a kubeconfig for a test cluster");
        Self::new(None, path.into(), tempfile::tempdir().expect("a directory")).await
    }

    async fn new(
        fake: Option<FakeKube>,
        kubeconfig: PathBuf,
        directory: tempfile::TempDir,
    ) -> Self {
        regcred_run::install_crypto();
        let client = client_of(&kubeconfig).await;
        let cloud = Cloud::start();
        let random = RandomState::new().hash_one(directory.path());
        Self {
            id: format!("rt-{random:x}"),
            cloud,
            time: Moved::default(),
            admin: kubeconfig.clone(),
            kubeconfig: Mutex::new(kubeconfig),
            client,
            made: Mutex::default(),
            fake,
            directory,
        }
    }

    pub(crate) fn told(&self) -> &FakeKube {
        self.fake
            .as_ref()
            .expect("this test tells the server what to do: only the fake can")
    }

    /// A name that belongs to this test.
    pub(crate) fn ns(&self, name: &str) -> String {
        format!("{}-{name}", self.id)
    }

    /// A configuration whose registry is the cloud and whose targets are as given; `ID` in the text
    /// stands for this test's own part of names.
    pub(crate) fn plan(&self, yaml: &str) -> Plan {
        let mut text = format!(
            "apiVersion: refresh.regcred.dev/v1\nkind: RefreshConfiguration\n\
             server: {{address: 127.0.0.1:0}}\nlimits: {{requestsPerSecond: 0}}\n{}",
            yaml.replace("ID-", &format!("{}-", self.id))
        );
        if !yaml.contains("leaderElection") {
            text.push_str("\nleaderElection: {enabled: false}\n");
        }
        let config = Config::parse(&text).expect("a configuration");
        Plan::new(&config, &[&SPEC], &self.cloud.env()).expect("a plan")
    }

    pub(crate) async fn refresher(&self, plan: &Plan, mode: Mode) -> Refresher {
        let env = self.cloud.env();
        let cluster = connect(Some(&self.kubeconfig()), None, &env, 0).await;
        let plan = Arc::new(plan.clone());
        Refresher::new(plan, cluster.ok(), env, self.time.clock(), mode)
    }

    pub(crate) async fn once(&self, plan: &Plan) -> Vec<Report> {
        self.once_as(plan, Mode::default()).await
    }

    pub(crate) async fn once_as(&self, plan: &Plan, mode: Mode) -> Vec<Report> {
        self.refresher(plan, mode)
            .await
            .once(|_| {})
            .await
            .expect("a run")
    }

    pub(crate) async fn daemon(&self, plan: &Plan) -> Handle {
        let refresher = self.refresher(plan, Mode::default()).await;
        refresher.start(&self.cloud.env()).await.expect("a daemon")
    }

    pub(crate) async fn namespace(&self, name: &str, metadata: Value) -> String {
        let name = self.ns(name);
        self.namespace_of_that_name(&name, metadata).await;
        name
    }

    /// For a test that has the cluster to itself.
    pub(crate) async fn namespace_of_that_name(&self, name: &str, metadata: Value) {
        let Some(fake) = &self.fake else {
            let mut body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata});
            body["metadata"]["name"] = name.into();
            self.ask(Method::POST, "/api/v1/namespaces", &body)
                .await
                .expect("made");
            self.keep_track(format!("/api/v1/namespaces/{name}"));
            return;
        };
        fake.namespace(name, metadata);
    }

    pub(crate) async fn ask(&self, method: Method, path: &str, body: &Value) -> Option<Value> {
        let content = match method {
            Method::PATCH => "application/merge-patch+json",
            _ => "application/json",
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", content)
            .body(match body {
                Value::Null => Vec::new(),
                body => body.to_string().into_bytes(),
            })
            .expect("a request");
        match self.client.request::<Value>(request).await {
            Ok(value) => Some(value),
            Err(kube::Error::Api(status)) if status.code == 404 => None,
            Err(error) => panic!("{path}: {error}"),
        }
    }

    /// Any request, and the answer whatever it is; a text that is not JSON comes as a string.
    pub(crate) async fn raw(&self, call: Raw<'_>) -> (u16, Value) {
        answer_of(call.send(&self.client).await).await
    }

    /// The events of a watch, to its end.
    pub(crate) async fn watch(&self, path: &str) -> Vec<(String, Value)> {
        let response = Raw::get(path).send(&self.client).await;
        assert_eq!(response.status().as_u16(), 200, "{path}");
        let bytes = response.into_body().collect().await.expect("a clean end");
        let bytes = bytes.to_bytes();
        let lines = bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty());
        let events = lines.map(|line| {
            let event: Value = serde_json::from_slice(line).expect("a line of JSON");
            let kind = event["type"].as_str().expect("a kind").to_owned();
            (kind, event["object"].clone())
        });
        events.collect()
    }

    pub(crate) async fn get(&self, namespace: &str, kind: &str, name: &str) -> Option<Value> {
        let path = format!("/api/v1/namespaces/{namespace}/{kind}/{name}");
        self.ask(Method::GET, &path, &Value::Null).await
    }

    pub(crate) async fn secret(&self, namespace: &str, name: &str) -> Option<Value> {
        self.get(namespace, "secrets", name).await
    }

    pub(crate) async fn make(&self, namespace: &str, kind: &str, object: &Value) -> Value {
        let path = format!("/api/v1/namespaces/{namespace}/{kind}");
        self.ask(Method::POST, &path, object).await.expect("made")
    }

    pub(crate) async fn update(&self, namespace: &str, kind: &str, object: &Value) {
        let name = object["metadata"]["name"].as_str().expect("a name");
        let path = format!("/api/v1/namespaces/{namespace}/{kind}/{name}");
        self.ask(Method::PUT, &path, object).await.expect("there");
    }

    /// A merge patch, which no write of the daemon's in between can spoil.
    pub(crate) async fn merge(&self, namespace: &str, object: &str, change: &Value) {
        let path = format!("/api/v1/namespaces/{namespace}/{object}");
        self.ask(Method::PATCH, &path, change).await.expect("there");
    }

    pub(crate) async fn delete(&self, namespace: &str, kind: &str, name: &str) {
        let path = format!("/api/v1/namespaces/{namespace}/{kind}/{name}");
        self.ask(Method::DELETE, &path, &Value::Null).await;
    }

    /// Waits until the condition holds.
    pub(crate) async fn until(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        let started = tokio::time::Instant::now();
        while !holds().await {
            assert!(started.elapsed() < HANGS, "never: {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Deletes a namespace of a real cluster, which is in the way of its end until the test's.
    pub(crate) async fn hold_and_delete(&self, name: &str) {
        let path = format!("/api/v1/namespaces/{name}");
        hold(&self.client, &path, json!(["regcred.dev/test"])).await;
        self.ask(Method::DELETE, &path, &Value::Null).await;
    }

    /// Removes what a real cluster would keep.
    pub(crate) async fn end(self) {
        remove(&self.client, self.take_made()).await;
    }

    fn take_made(&self) -> Vec<String> {
        std::mem::take(&mut *self.made.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Removes it when the test ends.
    pub(crate) fn keep_track(&self, path: String) {
        self.made.lock().expect("no test panics here").push(path);
    }

    /// The kubeconfig of an administrator.
    pub(crate) fn admin(&self) -> &Path {
        &self.admin
    }

    /// The kubeconfig of the refresher, with this namespace as a pod has it.
    pub(crate) fn kubeconfig_in(&self, namespace: &str) -> PathBuf {
        let text = std::fs::read_to_string(self.kubeconfig()).expect("a kubeconfig");
        let mut config: Value = serde_saphyr::from_str(&text).expect("YAML");
        for context in config["contexts"].as_array_mut().into_iter().flatten() {
            context["context"]["namespace"] = namespace.into();
        }
        let path = self.directory().join("in-namespace");
        std::fs::write(&path, config.to_string()).expect("a file");
        path
    }

    fn kubeconfig(&self) -> PathBuf {
        self.kubeconfig.lock().expect("no test panics here").clone()
    }

    /// From now on the refresher acts as the user of this kubeconfig.
    pub(crate) fn act_as(&self, kubeconfig: PathBuf) {
        *self.kubeconfig.lock().expect("no test panics here") = kubeconfig;
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The kubeconfig of the same cluster with a token in the place of every user's credentials.
    pub(crate) fn kubeconfig_with(&self, token: &str) -> PathBuf {
        let text = std::fs::read_to_string(self.kubeconfig()).expect("a kubeconfig");
        let mut config: Value = serde_saphyr::from_str(&text).expect("YAML");
        for user in config["users"].as_array_mut().into_iter().flatten() {
            user["user"] = json!({"token": token});
        }
        let path = self.directory().join("as-account");
        std::fs::write(&path, config.to_string()).expect("a file");
        path
    }

    /// What the refresher's own user is answered.
    pub(crate) async fn raw_as_refresher(&self, call: Raw<'_>) -> (u16, Value) {
        let client = client_of(&self.kubeconfig()).await;
        let response = call.send(&client).await;
        answer_of(response).await
    }
}

/// Removes what the test made, also after it failed.
impl Drop for Stage {
    fn drop(&mut self) {
        let made = self.take_made();
        if made.is_empty() {
            return;
        }
        let admin = self.admin.clone();
        // The test's own runtime cannot run it: its thread waits here.
        let work = std::thread::spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().build().expect("a runtime");
            runtime.block_on(async { remove(&client_of(&admin).await, made).await });
        });
        let _ = work.join();
    }
}

/// Deletes these objects, the last first; of namespaces also what is in the way of their end.
async fn remove(client: &kube::Client, made: Vec<String>) {
    for path in made.into_iter().rev() {
        Raw::new(Method::DELETE, &path, Value::Null)
            .send(client)
            .await;
        if path.starts_with("/api/v1/namespaces/") {
            hold(client, &path, Value::Null).await;
        }
    }
}

async fn hold(client: &kube::Client, path: &str, finalizers: Value) {
    let body = json!({"metadata": {"finalizers": finalizers}});
    let merge = Raw::patch(path, "application/merge-patch+json", body);
    merge.send(client).await;
}

async fn client_of(kubeconfig: &Path) -> kube::Client {
    let file = kube::config::Kubeconfig::read_from(kubeconfig).expect("a kubeconfig");
    let options = kube::config::KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(file, &options).await;
    kube::Client::try_from(config.expect("a cluster")).expect("a client")
}

async fn answer_of(response: http::Response<kube::client::Body>) -> (u16, Value) {
    let code = response.status().as_u16();
    let bytes = response.into_body().collect().await.expect("an answer");
    let bytes = bytes.to_bytes();
    let text = || String::from_utf8_lossy(&bytes).into_owned().into();
    let value = serde_json::from_slice(&bytes).unwrap_or_else(|_| text());
    (code, value)
}

/// What was done with the Secrets.
pub(crate) fn actions(reports: &[Report]) -> Vec<Action> {
    let mut actions: Vec<_> = reports
        .iter()
        .filter(|r| r.kind == "Secret")
        .map(|r| r.action)
        .collect();
    actions.sort_unstable();
    actions
}

/// A test that hangs says on what before the test runner ends it.
const HANGS: Duration = Duration::from_secs(500);

#[tokio::test]
async fn a_test_that_failed_leaves_nothing_behind() {
    let mut stage = Stage::fake().await;
    let fake = stage.fake.take().expect("the fake");
    let name = stage.ns("pull");
    stage
        .make("default", "secrets", &theirs(&name, &json!({"auths": {}})))
        .await;
    stage.keep_track(format!("/api/v1/namespaces/default/secrets/{name}"));
    assert!(fake.object("secrets", "default", &name).is_some());
    drop(stage);
    assert!(fake.object("secrets", "default", &name).is_none());
}
