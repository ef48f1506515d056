//! `regcred-refresh` as a program: its command line, its exit codes, its pages, and how it grows with
//! the cluster.

mod canary;
mod daemon;
mod failures;
mod live;
mod once;

use std::path::PathBuf;

use regcred_tests::icr::{API_KEY, FakeIam};
use regcred_tests::{FakeKube, Program};
use serde_json::Value;

/// A configuration with one IBM registry for each host, and files and variables that lead to the
/// fakes.
struct Stage {
    iam: FakeIam,
    kube: FakeKube,
    directory: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let stage = Self {
            iam: FakeIam::start(),
            kube: FakeKube::start(),
            directory: tempfile::tempdir().expect("a directory"),
        };
        stage.file("key", API_KEY);
        stage
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path
    }

    /// The program with the cluster, the cloud and a configuration with these targets.
    fn program(&self, targets: &str) -> Program {
        let key = self.directory.path().join("key");
        let mut text = String::from(
            "apiVersion: refresh.regcred.dev/v1\nkind: RefreshConfiguration\n\
             limits: {requestsPerSecond: 0}\nregistries:\n",
        );
        for name in ["us", "de", "jp"] {
            text.push_str(&format!(
                "- {{name: {name}, provider: icr, hosts: [{name}.icr.io], \
                 envFiles: {{IBMCLOUD_API_KEY: {}}}}}\n",
                key.display()
            ));
        }
        text.push_str(targets);
        let config = self.file("config.yaml", &text);
        self.bare().arg("--config").arg(config)
    }

    fn bare(&self) -> Program {
        Program::ours(PROGRAM)
            .env("KUBECONFIG", self.kube.kubeconfig(self.directory.path()))
            .envs(self.iam.env())
    }

    fn secrets(&self) -> Vec<Value> {
        self.kube.objects("secrets")
    }
}

fn decode(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .expect("base64")
}

const PROGRAM: &str = "regcred-refresh";
const TARGET: &str = "targets:
- name: everywhere
  secret: {name: regcred}
  namespaces: {include: ['*'], exclude: ['kube-*', default]}
  serviceAccounts: {names: [default]}
";
