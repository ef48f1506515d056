//! The Google plugin as a program: every identity through every face into a pull, against fakes
//! that Google's own clients (`google-auth` for Python, `gcloud`) find sound too.

mod addresses;
mod elsewhere;
mod errors;
mod foreign;
mod helper;
mod identities;
mod machine;
mod pods;
mod public_names;
mod second_opinion;
mod sharing;
mod strictness;
mod upstream;

use std::path::{Path, PathBuf};

use regcred_tests::google::POOL;
use regcred_tests::oci_registry::Access;
use regcred_tests::{FakeGoogle, FakeRegistry, Finished, Image, Node, Program};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Variables, as a program gets them.
type Vars = Vec<(String, String)>;

/// A directory for credentials files and the like.
struct Dir(TempDir);

impl Dir {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file below and gives its path.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(&path, text).expect("a file");
        path.to_str().expect("a plain path").to_owned()
    }

    fn json(&self, name: &str, value: &Value) -> String {
        self.file(name, &value.to_string())
    }

    /// Writes a shell script that can be run.
    fn script(&self, name: &str, text: &str) -> String {
        let path = self.file(name, "");
        regcred_tests::program::script(path.as_ref(), text);
        path
    }

    /// The token of the cluster's service account as a file, as it is projected into pods.
    fn pod_token(&self, google: &FakeGoogle) -> String {
        let token = google.cluster().token(&format!("https:{POOL}"), 3000);
        self.file("pod-token", &token)
    }
}

fn vars(pairs: &[(&str, &str)]) -> Vars {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

/// The plugin with these variables and nothing of this machine.
fn plugin(env: &Vars) -> Program {
    Program::ours(PLUGIN).envs(env.clone())
}

/// The plugin's answer to a kubelet.
fn asked(env: &Vars, image: &str) -> Finished {
    plugin(env).stdin(request(image).to_string()).run()
}

fn request(image: &str) -> Value {
    json!({
        "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
        "kind": "CredentialProviderRequest",
        "image": image,
    })
}

/// The password that an answer has for the stock pattern of Artifact Registry.
fn password(answer: &Value) -> &str {
    text(&answer["auth"]["*.pkg.dev"]["password"])
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A registry that answers for [`HOST`] and takes Google's tokens and nothing else, with one image.
fn registry(google: &FakeGoogle) -> FakeRegistry {
    let registry = FakeRegistry::start(Access::Bearer(google.logins().clone()));
    registry.push("demo-project/team/app", "v1", &Image::single(7, 1, 1_000));
    registry
}

/// A node that knows where the registry is.
fn node_with(registry: &FakeRegistry) -> Node {
    let node = Node::new();
    node.map_host(HOST, &registry.server().url());
    node
}

/// With whose token the registry was asked for its own, each time.
fn who_pulled(google: &FakeGoogle, registry: &FakeRegistry) -> Vec<String> {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let login = |value: &str| {
        let plain = STANDARD.decode(value.strip_prefix("Basic ")?).ok()?;
        let plain = String::from_utf8(plain).ok()?;
        let (username, token) = plain.split_once(':')?;
        assert_eq!(username, "_token");
        google.owner(token)
    };
    let seen = registry.server().seen();
    let asked = seen.iter().filter(|request| request.path == "/token");
    asked
        .map(|request| request.header("authorization").and_then(login))
        .map(|owner| owner.unwrap_or_else(|| "no owner".to_owned()))
        .collect()
}

/// A program of other people, run with nothing but these variables.
fn other(program: &Path, env: &Vars) -> Program {
    Program::new(program).envs(env.clone())
}

const PLUGIN: &str = "gcr-credential-provider";
const HOST: &str = "europe-west1-docker.pkg.dev";
const IMAGE: &str = "europe-west1-docker.pkg.dev/demo-project/team/app:v1";
