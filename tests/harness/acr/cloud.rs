//! A service principal or a machine with a registry, as one cloud.

use serde_json::json;

use super::{CLIENT_SECRET, FakeAzure, LOGIN_SERVER, NULL_GUID, SECRET_CLIENT, TENANT};
use crate::cloud::{Cloud, Trouble, Upstream};

/// Azure with a registry, and who asks it.
pub struct AcrCloud {
    azure: FakeAzure,
    is_machine: bool,
    image: String,
}

impl AcrCloud {
    /// Starts it for a service principal, as the conformance suite sees it.
    #[must_use]
    pub fn start() -> Self {
        Self::of(false)
    }

    /// Starts it for a machine with a managed identity.
    #[must_use]
    pub fn of_a_machine() -> Self {
        Self::of(true)
    }

    fn of(is_machine: bool) -> Self {
        Self {
            azure: FakeAzure::start(),
            is_machine,
            image: format!("{LOGIN_SERVER}/team/app"),
        }
    }
}

impl Cloud for AcrCloud {
    fn env(&self) -> Vec<(String, String)> {
        if self.is_machine {
            return self.azure.machine(&[]);
        }
        self.azure.env(&[
            ("AZURE_TENANT_ID", TENANT),
            ("AZURE_CLIENT_ID", SECRET_CLIENT),
            ("AZURE_CLIENT_SECRET", CLIENT_SECRET),
        ])
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

    /// It asks registries over https only, and App Service's endpoint where a variable names one.
    fn upstream(&self, vars: &[(String, String)]) -> Option<Upstream> {
        let registry = vars.iter().find(|(name, _)| name == "REGCRED_ACR_ENDPOINT");
        let host = registry?.1.strip_prefix("https://")?;
        // It follows the challenge.
        let realm = format!("https://{host}/oauth2/token");
        self.azure.acr.set_realm(&realm);
        let environment = json!({"containerRegistryDNSSuffix": host}).to_string();
        let environment = self.azure.file("environment.json", &environment);
        let mut env = self.azure.imds.app_service_env();
        env.push(("AZURE_ENVIRONMENT_FILEPATH".to_owned(), environment));
        // Of other clouds it knows the suffix itself.
        let file = json!({
            "cloud": "AzureStackCloud", "tenantId": TENANT, "useManagedIdentityExtension": true,
        });
        Some(Upstream {
            program: "acr-credential-provider",
            args: vec![self.azure.file("azure.json", &file.to_string())],
            env,
            image: format!("{host}/team/app"),
        })
    }

    fn username(&self) -> &str {
        NULL_GUID
    }

    fn secrets(&self) -> Vec<String> {
        let mut secrets = self.azure.acr.logins().passwords();
        secrets.extend(self.azure.entra.directory().tokens());
        secrets.push(CLIENT_SECRET.to_owned());
        secrets
    }

    fn calls(&self) -> usize {
        self.azure.acr.exchanges()
    }

    fn trouble(&self, trouble: Trouble) {
        self.azure.entra.directory().trouble(trouble);
    }
}
