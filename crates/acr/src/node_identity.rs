//! The identity of the node or of a user: the one that variables name, then the one that azure.json
//! names, then the machine's own.

use std::path::PathBuf;

use regcred_cloud::SecretPlace;
use regcred_core::{Env, ProviderError};
use secrecy::{ExposeSecret, SecretString};

use crate::application::Application;
use crate::azure_json::AzureJson;
use crate::identity::Identity;
use crate::managed_id::ManagedId;
use crate::settings::{Cloud, IdentityKind};
use crate::{ERRORS, vars};

/// Chooses the identity.
pub(crate) fn choose(cloud: &Cloud, json: Option<&AzureJson>) -> Result<Identity, ProviderError> {
    let has_file = json.is_some();
    let none = AzureJson::default();
    let json = json.unwrap_or(&none);
    let (named, of_file) = (Proofs::named(&cloud.env), Proofs::of_file(json));
    let node = Node { cloud, json };
    let missing = |kind: &str, needed: &str| {
        ERRORS.misconfigured(format!("{}={kind} needs {needed}", vars::IDENTITY))
    };
    match cloud.settings.identity {
        IdentityKind::Auto => node.automatic(named, of_file, has_file),
        IdentityKind::Secret => match named.secret.or(of_file.secret) {
            Some(secret) => node.by_secret(&secret),
            None => Err(missing("secret", vars::CLIENT_SECRET)),
        },
        IdentityKind::Certificate => match named.certificate.or(of_file.certificate) {
            Some(path) => node.by_certificate(path),
            None => Err(missing("certificate", vars::CERTIFICATE_PATH)),
        },
        IdentityKind::Workload => match named.token.or(of_file.token) {
            Some(token) => node.by_token(token),
            None => Err(missing("workload", vars::FEDERATED_TOKEN_FILE)),
        },
        IdentityKind::Managed => Ok(Identity::Managed(node.managed_id())),
        IdentityKind::Cli => {
            let tenant = cloud.env.get(vars::TENANT_ID);
            Ok(Identity::Cli(tenant.map(str::to_owned)))
        }
    }
}

/// What an application can prove itself with.
struct Proofs {
    secret: Option<SecretPlace>,
    certificate: Option<PathBuf>,
    token: Option<SecretPlace>,
}

impl Proofs {
    fn named(env: &Env) -> Self {
        let (token, file) = (vars::FEDERATED_TOKEN, vars::FEDERATED_TOKEN_FILE);
        Self {
            secret: SecretPlace::named(env, vars::CLIENT_SECRET, vars::CLIENT_SECRET_FILE),
            certificate: env.path(vars::CERTIFICATE_PATH),
            token: SecretPlace::named(env, token, file),
        }
    }

    fn of_file(json: &AzureJson) -> Self {
        // `msi` means a managed identity.
        let is_secret = |secret: &SecretString| secret.expose_secret() != "msi";
        let secret = json.client_secret.clone().filter(is_secret);
        let usual = json.use_workload_identity.then_some(USUAL_TOKEN_FILE);
        let token = json.federated_token_file.as_deref().or(usual);
        Self {
            secret: secret.map(SecretPlace::Given),
            certificate: json.certificate_path.as_ref().map(PathBuf::from),
            token: token.map(|path| SecretPlace::File(path.into())),
        }
    }
}

struct Node<'a> {
    cloud: &'a Cloud,
    json: &'a AzureJson,
}

impl Node<'_> {
    fn automatic(
        &self,
        named: Proofs,
        of_file: Proofs,
        has_file: bool,
    ) -> Result<Identity, ProviderError> {
        if let Some(secret) = named.secret {
            return self.by_secret(&secret);
        }
        if let Some(path) = named.certificate {
            return self.by_certificate(path);
        }
        if let Some(token) = named.token {
            return self.by_token(token);
        }
        if let Some(id) = &self.cloud.settings.managed_identity {
            return Ok(Identity::Managed(id.clone()));
        }
        if !has_file {
            return Ok(match self.cloud.env.get(vars::CLIENT_ID) {
                Some(id) => Identity::Managed(ManagedId::named(id)),
                None => Identity::Ambient,
            });
        }
        // In the order of the cloud provider itself.
        if let Some(token) = of_file.token {
            return self.by_token(token);
        }
        if self.json.use_managed_identity {
            return Ok(Identity::Managed(self.managed_id()));
        }
        if let Some(secret) = of_file.secret {
            return self.by_secret(&secret);
        }
        if let Some(path) = of_file.certificate {
            return self.by_certificate(path);
        }
        Err(ERRORS.misconfigured(
            "azure.json names no identity: set useManagedIdentityExtension, aadClientId with \
             aadClientSecret or aadClientCertPath, or aadFederatedTokenFile",
        ))
    }

    fn by_secret(&self, secret: &SecretPlace) -> Result<Identity, ProviderError> {
        let secret = secret.read(ERRORS, "the client secret", "")?;
        Ok(Identity::Secret(
            self.application("a client secret")?,
            secret,
        ))
    }

    fn by_certificate(&self, path: PathBuf) -> Result<Identity, ProviderError> {
        let application = self.application("a certificate")?;
        let password = self.cloud.env.get(vars::CERTIFICATE_PASSWORD);
        let password = password.map(SecretString::from);
        let password = password.or_else(|| self.json.certificate_password.clone());
        Ok(Identity::Certificate(application, path, password))
    }

    fn by_token(&self, token: SecretPlace) -> Result<Identity, ProviderError> {
        let application = self.application("a federated token")?;
        Ok(Identity::Workload(application, token))
    }

    fn managed_id(&self) -> ManagedId {
        let named = self.cloud.settings.managed_identity.clone();
        named.unwrap_or_else(|| {
            let of_file = self.json.user_assigned_identity.as_deref();
            let id = of_file.or_else(|| self.cloud.env.get(vars::CLIENT_ID));
            id.map_or(ManagedId::System, ManagedId::named)
        })
    }

    /// Client and tenant; variables replace those of azure.json.
    fn application(&self, what: &str) -> Result<Application, ProviderError> {
        let of = |name, file: &'_ Option<String>| {
            let id = self.cloud.env.get(name).map(str::to_owned);
            id.or_else(|| file.clone())
                .ok_or_else(|| ERRORS.misconfigured(format!("{what} needs {name}")))
        };
        let tenant = of(vars::TENANT_ID, &self.json.tenant_id)?;
        let client = of(vars::CLIENT_ID, &self.json.client_id)?;
        Application::new(&tenant, &client)
    }
}

/// Where the workload identity webhook mounts the token.
const USUAL_TOKEN_FILE: &str = "/var/run/secrets/azure/tokens/azure-identity-token";

#[cfg(test)]
mod tests;
