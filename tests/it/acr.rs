//! The Azure plugin as a program: every identity through every face into a pull, the command lines
//! of upstream's plugin, what never leaves the machine, many processes with one exchange, and
//! Azure's own clients for Python as a second opinion on the fakes.

mod answers;
mod azure_clients;
mod identities;
mod pods;
mod sharing;
mod upstream;
mod wire;

use regcred_tests::acr::{FakeAcr, FakeEntra, FakeImds};
use regcred_tests::need::workspace;
use serde_json::{Value, json};

/// Azure with everything in it.
struct Azure {
    entra: FakeEntra,
    imds: FakeImds,
    acr: FakeAcr,
    directory: tempfile::TempDir,
}

impl Azure {
    fn start() -> Self {
        let entra = FakeEntra::start();
        Self {
            imds: FakeImds::start(entra.directory()),
            acr: FakeAcr::start(entra.directory()),
            entra,
            directory: tempfile::tempdir().expect("a directory"),
        }
    }

    /// The variables that lead a plugin to Entra ID and the registry, and these.
    fn env(&self, vars: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut env = self.entra.env();
        env.extend(self.acr.env());
        env.extend(vars.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())));
        env
    }

    /// The same on a virtual machine.
    fn machine(&self, vars: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut env = self.env(vars);
        env.extend(self.imds.env());
        env
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.directory.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_str().expect("a plain path").to_owned()
    }

    #[track_caller]
    fn assert_owner(&self, password: &Value, owner: &str) {
        let password = password.as_str().unwrap_or_default();
        assert_eq!(self.acr.owner(password).as_deref(), Some(owner));
    }
}

fn testdata(name: &str) -> String {
    let path = workspace().join("crates/acr/testdata").join(name);
    path.to_str().expect("a plain path").to_owned()
}

fn request(image: &str, more: Value) -> String {
    let mut request = json!({
        "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
        "kind": "CredentialProviderRequest",
        "image": image,
    });
    if let (Some(request), Value::Object(more)) = (request.as_object_mut(), more) {
        request.extend(more);
    }
    request.to_string()
}

const PLUGIN: &str = "acr-credential-provider";
