//! A service principal with a registry, as the conformance suite sees it.

use super::{CLIENT_SECRET, FakeAcr, FakeEntra, LOGIN_SERVER, NULL_GUID, SECRET_CLIENT, TENANT};
use crate::cloud::{Cloud, Trouble};

/// Entra ID and a registry.
pub struct AcrCloud {
    entra: FakeEntra,
    registry: FakeAcr,
    image: String,
}

impl AcrCloud {
    /// Starts the two.
    #[must_use]
    pub fn start() -> Self {
        let entra = FakeEntra::start();
        let registry = FakeAcr::start(entra.directory());
        Self {
            entra,
            registry,
            image: format!("{LOGIN_SERVER}/team/app"),
        }
    }
}

impl Cloud for AcrCloud {
    fn env(&self) -> Vec<(String, String)> {
        let mut env = self.entra.env();
        env.extend(self.registry.env());
        let principal = [
            ("AZURE_TENANT_ID", TENANT),
            ("AZURE_CLIENT_ID", SECRET_CLIENT),
            ("AZURE_CLIENT_SECRET", CLIENT_SECRET),
        ];
        env.extend(principal.map(|(name, value)| (name.to_owned(), value.to_owned())));
        env
    }

    fn image(&self) -> &str {
        &self.image
    }

    fn helper(&self) -> &str {
        "docker-credential-acr-env"
    }

    fn public(&self) -> &[&str] {
        &["AZURE_AUTHORITY_HOST", "REGCRED_ACR_ENDPOINT"]
    }

    fn upstream(&self) -> (&str, &[&str]) {
        ("acr-credential-provider", &[])
    }

    fn username(&self) -> &str {
        NULL_GUID
    }

    fn secrets(&self) -> Vec<String> {
        let mut secrets = self.registry.logins().passwords();
        secrets.extend(self.entra.directory().tokens());
        secrets.push(CLIENT_SECRET.to_owned());
        secrets
    }

    fn calls(&self) -> usize {
        self.registry.exchanges()
    }

    fn trouble(&self, trouble: Trouble) {
        self.entra.directory().trouble(trouble);
    }
}
