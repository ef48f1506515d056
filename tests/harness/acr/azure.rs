//! All fakes of Azure, one checking what another issued.

use serde_json::Value;
use tempfile::TempDir;

use super::{FakeAcr, FakeEntra, FakeImds};

/// Azure with everything in it.
pub struct FakeAzure {
    /// Entra ID.
    pub entra: FakeEntra,
    /// The metadata service of a virtual machine.
    pub imds: FakeImds,
    /// A registry.
    pub acr: FakeAcr,
    /// For files of a test.
    pub directory: TempDir,
}

impl FakeAzure {
    /// Starts all of it.
    #[must_use]
    pub fn start() -> Self {
        let entra = FakeEntra::start();
        Self {
            imds: FakeImds::start(entra.directory()),
            acr: FakeAcr::start(entra.directory()),
            entra,
            directory: tempfile::tempdir().expect("a directory"),
        }
    }

    /// The variables that lead to Entra ID and the registry, and these.
    #[must_use]
    pub fn env(&self, vars: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut env = self.entra.env();
        env.extend(self.acr.env());
        env.extend(vars.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())));
        env
    }

    /// The same on a virtual machine.
    #[must_use]
    pub fn machine(&self, vars: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut env = self.env(vars);
        env.extend(self.imds.env());
        env
    }

    /// The path of a new file with this text.
    #[must_use]
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.directory.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_str().expect("a plain path").to_owned()
    }

    /// Asserts whose login the password is.
    #[track_caller]
    pub fn assert_owner(&self, password: &Value, owner: &str) {
        let password = password.as_str().unwrap_or_default();
        assert_eq!(self.acr.owner(password).as_deref(), Some(owner));
    }
}
