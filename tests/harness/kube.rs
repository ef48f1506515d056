//! A Kubernetes API server in memory, with the rules that a client lives under: resource versions,
//! conflicts, server-side apply with field managers, JSON Patch, paged lists, watches with bookmarks
//! that end, break or are too late (410), throttling, RBAC with resource names, validation of pull
//! secrets.

mod apply;
mod http;
mod rbac;
mod status;
mod store;
mod target;
mod validate;
mod verbs;
mod watching;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;

use crate::server::lock;
use crate::thread::Thread;
pub use rbac::Rule;
pub(crate) use store::Store;

/// The server. Dropping it ends it.
pub struct FakeKube {
    address: SocketAddr,
    shared: Arc<Shared>,
    _thread: Thread,
}

pub(crate) struct Shared {
    pub(crate) store: Mutex<Store>,
    /// What the limited user may do.
    pub(crate) rules: Mutex<Vec<Rule>>,
    pub(crate) log: Mutex<Log>,
    pub(crate) faults: Mutex<Vec<Fault>>,
    /// The number of the last change; watches wait for the next.
    pub(crate) changed: watch::Sender<u64>,
    /// Counts up to break every watch.
    pub(crate) breaks: watch::Sender<u64>,
    /// Counts up to end every watch as if its time had ended.
    pub(crate) ends: watch::Sender<u64>,
    pub(crate) down: Mutex<bool>,
    pub(crate) bookmarks: Duration,
}

/// What was asked.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) counts: BTreeMap<String, usize>,
    pub(crate) lines: Vec<String>,
    pub(crate) forbidden: Vec<String>,
    pub(crate) refused: usize,
}

/// An answer other than the right one.
pub(crate) struct Fault {
    pub(crate) verb: String,
    pub(crate) resource: String,
    pub(crate) status: u16,
    pub(crate) retry_after: Option<u64>,
    pub(crate) times: usize,
    /// What it says of a failure of the server.
    pub(crate) message: String,
}

impl FakeKube {
    /// Starts a server with the namespaces `default`, `kube-system` and `kube-node-lease`.
    #[must_use]
    pub fn start() -> Self {
        let shared = Arc::new(Shared {
            store: Mutex::default(),
            rules: Mutex::default(),
            log: Mutex::default(),
            faults: Mutex::default(),
            changed: watch::channel(0).0,
            breaks: watch::channel(0).0,
            ends: watch::channel(0).0,
            down: Mutex::new(false),
            bookmarks: Duration::from_millis(200),
        });
        let served = Arc::clone(&shared);
        let (thread, address, _) = Thread::serve(0, |listener| {
            tokio::spawn(http::accept(listener, served));
        });
        let fake = Self {
            address,
            shared,
            _thread: thread,
        };
        for name in ["default", "kube-system", "kube-node-lease"] {
            fake.namespace(name, json!({}));
        }
        fake
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Writes a kubeconfig that leads here into the directory.
    ///
    /// # Panics
    /// When the file cannot be written.
    #[must_use]
    pub fn kubeconfig(&self, directory: &Path) -> PathBuf {
        self.kubeconfig_with(directory.join("kubeconfig"), TOKEN)
    }

    /// The same for a user who may do what the rules say and nothing else.
    ///
    /// # Panics
    /// When the file cannot be written.
    #[must_use]
    pub fn limited_kubeconfig(&self, directory: &Path, rules: Vec<Rule>) -> PathBuf {
        *lock(&self.shared.rules) = rules;
        self.kubeconfig_with(directory.join("limited-kubeconfig"), LIMITED_TOKEN)
    }

    fn kubeconfig_with(&self, path: PathBuf, token: &str) -> PathBuf {
        let text = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "fake",
            "clusters": [{"name": "fake", "cluster": {"server": self.url()}}],
            "users": [{"name": "fake", "user": {"token": token}}],
            "contexts": [{"name": "fake", "context": {
                "cluster": "fake", "user": "fake", "namespace": "kube-system"}}],
        });
        std::fs::write(&path, text.to_string()).expect("a file");
        path
    }

    /// Makes or changes a namespace, with more of its metadata; a new one has its service account
    /// `default`, as the controller makes it.
    pub fn namespace(&self, name: &str, metadata: Value) {
        let mut object = json!({"apiVersion": "v1", "kind": "Namespace"});
        object["metadata"] = metadata;
        object["metadata"]["name"] = name.into();
        object["metadata"]["labels"]["kubernetes.io/metadata.name"] = name.into();
        object["spec"] = json!({"finalizers": ["kubernetes"]});
        let phase = if object["metadata"]["deletionTimestamp"].is_null() {
            "Active"
        } else {
            "Terminating"
        };
        object["status"] = json!({"phase": phase});
        self.change(|store| {
            if store.put("namespaces", object) {
                store.put("serviceaccounts", account(name, "default"));
            }
        });
    }

    /// Makes a namespace terminating: nothing can be made in it any more.
    pub fn terminate(&self, name: &str) {
        let found = self.object("namespaces", "", name);
        let mut metadata = found.map_or_else(|| json!({}), |found| found["metadata"].clone());
        metadata["deletionTimestamp"] = "2027-01-01T00:00:00Z".into();
        self.namespace(name, metadata);
    }

    /// Removes a namespace and all that is in it.
    pub fn remove_namespace(&self, name: &str) {
        self.change(|store| store.remove_namespace(name));
    }

    /// Makes or replaces an object of a resource, whoever owned it.
    pub fn put(&self, resource: &str, object: Value) {
        self.change(|store| {
            store.put(resource, object);
        });
    }

    /// A service account without pull secrets.
    pub fn account(&self, namespace: &str, name: &str) {
        self.put("serviceaccounts", account(namespace, name));
    }

    /// Removes an object.
    pub fn remove(&self, resource: &str, namespace: &str, name: &str) {
        self.change(|store| {
            store.remove(resource, namespace, name);
        });
    }

    /// An object as it is.
    #[must_use]
    pub fn object(&self, resource: &str, namespace: &str, name: &str) -> Option<Value> {
        lock(&self.shared.store)
            .get(resource, namespace, name)
            .cloned()
    }

    /// All objects of a resource.
    #[must_use]
    pub fn objects(&self, resource: &str) -> Vec<Value> {
        lock(&self.shared.store).all(resource).cloned().collect()
    }

    /// How many objects of a resource there are.
    #[must_use]
    pub fn count(&self, resource: &str) -> usize {
        lock(&self.shared.store).all(resource).count()
    }

    /// The number of the last change of any object.
    #[must_use]
    pub fn version(&self) -> u64 {
        lock(&self.shared.store).version()
    }

    /// How often a verb was asked for a resource: `("patch", "secrets")`.
    #[must_use]
    pub fn asked(&self, verb: &str, resource: &str) -> usize {
        let log = lock(&self.shared.log);
        log.counts
            .get(&format!("{verb} {resource}"))
            .copied()
            .unwrap_or(0)
    }

    /// How many requests there were in all.
    #[must_use]
    pub fn requests(&self) -> usize {
        lock(&self.shared.log).counts.values().sum()
    }

    /// Every count, by verb and resource.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<String, usize> {
        lock(&self.shared.log).counts.clone()
    }

    /// Requests that rules forbade, as verb and resource.
    #[must_use]
    pub fn forbidden(&self) -> Vec<String> {
        lock(&self.shared.log).forbidden.clone()
    }

    /// Connections that were closed while it was down.
    #[must_use]
    pub fn refused(&self) -> usize {
        lock(&self.shared.log).refused
    }

    /// The first requests, as method and target.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        lock(&self.shared.log).lines.clone()
    }

    /// The next requests of that verb and resource fail with a status, and perhaps `Retry-After`.
    pub fn fail(
        &self,
        verb: &str,
        resource: &str,
        status: u16,
        retry_after: Option<u64>,
        times: usize,
    ) {
        lock(&self.shared.faults).push(Fault {
            verb: verb.to_owned(),
            resource: resource.to_owned(),
            status,
            retry_after,
            times,
            message: "the fake was told to fail".to_owned(),
        });
    }

    /// Requests of that verb and resource fail with 500 and this message until [`FakeKube::heal`].
    pub fn fail_with(&self, verb: &str, resource: &str, message: &str) {
        lock(&self.shared.faults).push(Fault {
            verb: verb.to_owned(),
            resource: resource.to_owned(),
            status: 500,
            retry_after: None,
            times: usize::MAX,
            message: message.to_owned(),
        });
    }

    /// No request fails any more.
    pub fn heal(&self) {
        lock(&self.shared.faults).clear();
    }

    /// Breaks every watch in the middle.
    pub fn break_watches(&self) {
        self.shared.breaks.send_modify(|count| *count += 1);
    }

    /// Ends every watch as the server does when its time has ended: with a bookmark before the end for
    /// those who take them.
    pub fn end_watches(&self) {
        self.shared.ends.send_modify(|count| *count += 1);
    }

    /// Forgets the past: a new watch from before is answered by 410, a list's continuation too.
    pub fn compact(&self) {
        lock(&self.shared.store).compact();
    }

    /// Closes every connection without an answer, until called with false.
    pub fn down(&self, down: bool) {
        *lock(&self.shared.down) = down;
        if down {
            self.break_watches();
        }
    }

    fn change(&self, change: impl FnOnce(&mut Store)) {
        let version = {
            let mut store = lock(&self.shared.store);
            change(&mut store);
            store.version()
        };
        self.shared.changed.send_replace(version);
    }
}

fn account(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": {"namespace": namespace, "name": name},
    })
}

/// The bearer token of the user who may do everything.
pub(crate) const TOKEN: &str = "fake-cluster-token";
/// The bearer token of the user whom rules bind.
pub(crate) const LIMITED_TOKEN: &str = "fake-limited-token";
