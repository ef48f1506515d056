//! The identity of the node or the person: what variables name, then what azure.json names, then
//! what the machine has.

use std::path::PathBuf;

use regcred_core::{Env, ProviderError};
use secrecy::{ExposeSecret, SecretString};

use crate::azure_json::AzureJson;
use crate::failure::misconfigured;
use crate::identity::{Identity, WorkloadToken};
use crate::managed_identity::ManagedId;
use crate::reach::Reach;
use crate::sdk::Application;
use crate::secret_file;
use crate::settings::Kind;
use crate::vars;

/// Chooses the identity.
pub(crate) fn identity(reach: &Reach, json: Option<&AzureJson>) -> Result<Identity, ProviderError> {
    let none = AzureJson::default();
    let node = Node {
        reach,
        json: json.unwrap_or(&none),
    };
    let missing =
        |kind: &str, needs: &str| misconfigured(format!("{}={kind} needs {needs}", vars::IDENTITY));
    match reach.settings.kind {
        Kind::Auto => node.automatic(json.is_some()),
        Kind::Secret => match node.secret_named()? {
            Some(identity) => Ok(identity),
            None => node
                .secret_of_file()?
                .ok_or_else(|| missing("secret", vars::CLIENT_SECRET)),
        },
        Kind::Certificate => match node.certificate_named()? {
            Some(identity) => Ok(identity),
            None => node
                .certificate_of_file()?
                .ok_or_else(|| missing("certificate", vars::CERTIFICATE_PATH)),
        },
        Kind::Workload => match node.workload_named()? {
            Some(identity) => Ok(identity),
            None => node
                .workload_of_file()?
                .ok_or_else(|| missing("workload", vars::FEDERATED_TOKEN_FILE)),
        },
        Kind::Managed => Ok(Identity::Managed(node.managed_id())),
        Kind::Cli => Ok(Identity::Cli(
            reach.env.get(vars::TENANT_ID).map(str::to_owned),
        )),
    }
}

/// Whether `PATH` has a program.
pub(crate) fn has_program(env: &Env, name: &str) -> bool {
    let path = env.get("PATH").unwrap_or_default();
    std::env::split_paths(path)
        .filter(|dir| dir.is_absolute())
        .any(|dir| dir.join(name).is_file())
}

struct Node<'a> {
    reach: &'a Reach,
    json: &'a AzureJson,
}

impl Node<'_> {
    fn automatic(&self, has_file: bool) -> Result<Identity, ProviderError> {
        let named = [
            Self::secret_named,
            Self::certificate_named,
            Self::workload_named,
        ];
        for find in named {
            if let Some(identity) = find(self)? {
                return Ok(identity);
            }
        }
        if let Some(id) = &self.reach.settings.managed_identity {
            return Ok(Identity::Managed(id.clone()));
        }
        if has_file {
            return self.of_file();
        }
        match self.reach.env.get(vars::CLIENT_ID) {
            Some(id) => Ok(Identity::Managed(ManagedId::named(id))),
            None => Ok(Identity::Ambient),
        }
    }

    /// In the order of the cloud provider itself.
    fn of_file(&self) -> Result<Identity, ProviderError> {
        if let Some(identity) = self.workload_of_file()? {
            return Ok(identity);
        }
        if self.json.use_managed_identity {
            return Ok(Identity::Managed(self.managed_id()));
        }
        if let Some(identity) = self.secret_of_file()? {
            return Ok(identity);
        }
        self.certificate_of_file()?.ok_or_else(|| {
            misconfigured(
                "azure.json names no identity: set useManagedIdentityExtension, aadClientId with \
                 aadClientSecret or aadClientCertPath, or aadFederatedTokenFile",
            )
        })
    }

    fn secret_named(&self) -> Result<Option<Identity>, ProviderError> {
        let env = &self.reach.env;
        let secret = secret_file::value(env, vars::CLIENT_SECRET, vars::CLIENT_SECRET_FILE)?;
        secret.map(|secret| self.by_secret(secret)).transpose()
    }

    /// `msi` stands where a managed identity is meant.
    fn secret_of_file(&self) -> Result<Option<Identity>, ProviderError> {
        let secret = self.json.client_secret.clone();
        secret
            .filter(|secret| secret.expose_secret() != "msi")
            .map(|secret| self.by_secret(secret))
            .transpose()
    }

    fn by_secret(&self, secret: SecretString) -> Result<Identity, ProviderError> {
        let application = self.application("a client secret")?;
        Ok(Identity::Secret(application, secret))
    }

    fn certificate_named(&self) -> Result<Option<Identity>, ProviderError> {
        let path = self.reach.env.path(vars::CERTIFICATE_PATH);
        path.map(|path| self.by_certificate(path)).transpose()
    }

    fn certificate_of_file(&self) -> Result<Option<Identity>, ProviderError> {
        let path = self.json.certificate_path.as_ref().map(PathBuf::from);
        path.map(|path| self.by_certificate(path)).transpose()
    }

    fn by_certificate(&self, path: PathBuf) -> Result<Identity, ProviderError> {
        let application = self.application("a certificate")?;
        let password = self.reach.env.get(vars::CERTIFICATE_PASSWORD);
        let password = password.map(SecretString::from);
        let password = password.or_else(|| self.json.certificate_password.clone());
        Ok(Identity::Certificate(application, path, password))
    }

    fn workload_named(&self) -> Result<Option<Identity>, ProviderError> {
        let env = &self.reach.env;
        let given = env
            .get(vars::FEDERATED_TOKEN)
            .map(|t| WorkloadToken::Given(t.into()));
        let token = given.or_else(|| {
            env.path(vars::FEDERATED_TOKEN_FILE)
                .map(WorkloadToken::File)
        });
        token.map(|token| self.by_token(token)).transpose()
    }

    fn workload_of_file(&self) -> Result<Option<Identity>, ProviderError> {
        let file = self.json.federated_token_file.as_ref();
        match file {
            Some(file) => self.by_token(WorkloadToken::File(file.into())).map(Some),
            None if self.json.use_workload_identity => self
                .by_token(WorkloadToken::File(USUAL_TOKEN_FILE.into()))
                .map(Some),
            None => Ok(None),
        }
    }

    fn by_token(&self, token: WorkloadToken) -> Result<Identity, ProviderError> {
        let application = self.application("a federated token")?;
        Ok(Identity::Workload(application, token))
    }

    /// Client and tenant; variables replace what azure.json says.
    fn application(&self, what: &str) -> Result<Application, ProviderError> {
        let of = |name: &'static str, file: &Option<String>| {
            let value = self.reach.env.get(name).map(str::to_owned);
            value
                .or_else(|| file.clone())
                .ok_or_else(|| misconfigured(format!("{what} needs {name}")))
        };
        let tenant = of(vars::TENANT_ID, &self.json.tenant_id)?;
        let client = of(vars::CLIENT_ID, &self.json.client_id)?;
        Application::new(&tenant, &client)
    }

    fn managed_id(&self) -> ManagedId {
        let named = self.reach.settings.managed_identity.clone();
        let of_file = || self.json.user_assigned_identity.as_deref();
        let env = || self.reach.env.get(vars::CLIENT_ID);
        named.unwrap_or_else(|| match of_file().or_else(env) {
            Some(id) => ManagedId::named(id),
            None => ManagedId::System,
        })
    }
}

/// Where the workload identity webhook puts it.
const USUAL_TOKEN_FILE: &str = "/var/run/secrets/azure/tokens/azure-identity-token";

#[cfg(test)]
mod tests;
