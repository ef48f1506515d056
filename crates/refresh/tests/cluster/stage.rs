//! A cluster for a test: the fake, or the one that `REGCRED_TEST_KUBECONFIG` names. Tests see no
//! difference but in what only a fake can be told to do.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, Request};
use regcred_refresh::{Action, Config, Handle, Mode, Plan, Refresher, Report, connect};
use regcred_tests::FakeKube;
use serde_json::{Value, json};

use crate::cloud::{Cloud, Moved, SPEC};

pub(crate) struct Stage {
    pub(crate) fake: Option<FakeKube>,
    pub(crate) cloud: Arc<Cloud>,
    pub(crate) time: Moved,
    /// Part of every name that is made, so that tests and runs do not meet in a real cluster.
    pub(crate) id: String,
    kubeconfig: PathBuf,
    client: kube::Client,
    made: std::sync::Mutex<Vec<String>>,
    _directory: tempfile::TempDir,
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
        regcred_plugin::install_crypto();
        let file = kube::config::Kubeconfig::read_from(&kubeconfig).expect("a kubeconfig");
        let options = kube::config::KubeConfigOptions::default();
        let config = kube::Config::from_custom_kubeconfig(file, &options).await;
        let config = config.expect("a cluster");
        let cloud = Cloud::start();
        let random = u16::from_be_bytes(
            *directory
                .path()
                .to_string_lossy()
                .as_bytes()
                .last_chunk()
                .expect("a name"),
        );
        Self {
            id: format!("rt-{}-{random:x}", cloud.id.trim_start_matches("cloud-")),
            cloud,
            time: Moved::default(),
            kubeconfig,
            client: kube::Client::try_from(config).expect("a client"),
            made: std::sync::Mutex::default(),
            fake,
            _directory: directory,
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
        let text = format!(
            "apiVersion: refresh.regcred.dev/v1\nkind: RefreshConfiguration\n{}",
            yaml.replace("ID-", &format!("{}-", self.id))
        );
        let config = Config::parse(&text).expect("a configuration");
        let mut plan = Plan::new(&config, &[&SPEC], &self.cloud.env()).expect("a plan");
        plan.server.address = ([127, 0, 0, 1], 0).into();
        plan.limits.requests_per_second = 0;
        plan.leader_election.enabled = yaml.contains("leaderElection");
        plan
    }

    pub(crate) async fn refresher(&self, plan: &Plan, mode: Mode) -> Refresher {
        let (env, rate) = (self.cloud.env(), plan.limits.requests_per_second);
        let cluster = connect(Some(&self.kubeconfig), None, &env, rate).await;
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
        if let Some(fake) = &self.fake {
            fake.namespace(&name, metadata);
        } else {
            let mut body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata});
            body["metadata"]["name"] = name.clone().into();
            self.ask(Method::POST, "/api/v1/namespaces", &body)
                .await
                .expect("made");
            self.made
                .lock()
                .expect("no test panics here")
                .push(name.clone());
        }
        name
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

    pub(crate) async fn delete(&self, namespace: &str, kind: &str, name: &str) {
        let path = format!("/api/v1/namespaces/{namespace}/{kind}/{name}");
        self.ask(Method::DELETE, &path, &Value::Null).await;
    }

    /// Waits until the Secret is there and holds what is wanted; gives how long it took.
    pub(crate) async fn until(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) -> Duration {
        let started = tokio::time::Instant::now();
        while !holds().await {
            assert!(started.elapsed() < Duration::from_secs(20), "never: {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        started.elapsed()
    }

    /// Removes what a real cluster would keep.
    pub(crate) async fn end(self) {
        let made = std::mem::take(&mut *self.made.lock().expect("no test panics here"));
        for name in made {
            let path = format!("/api/v1/namespaces/{name}");
            self.ask(Method::DELETE, &path, &Value::Null).await;
        }
    }
}

/// The password of a host in a Secret.
pub(crate) fn password(secret: &Value, host: &str) -> Option<String> {
    let config = config_of(secret);
    Some(config["auths"][host]["password"].as_str()?.to_owned())
}

/// The docker configuration in a Secret.
pub(crate) fn config_of(secret: &Value) -> Value {
    let data = secret["data"][".dockerconfigjson"]
        .as_str()
        .unwrap_or_default();
    let bytes = STANDARD.decode(data).expect("base64");
    serde_json::from_slice(&bytes).expect("JSON")
}

/// A pull secret that somebody else made.
pub(crate) fn theirs(name: &str, config: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name},
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": STANDARD.encode(config.to_string())},
    })
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
