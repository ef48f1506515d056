//! The identity of the node or of a user: the one that variables name, then the one that azure.json
//! names, then the machine's own.

use std::path::PathBuf;

use regcred_cloud::SecretPlace;
use regcred_core::{ProviderError, SecretText as _};
use secrecy::SecretString;

use crate::application::Application;
use crate::azure_json::AzureJson;
use crate::identity::Identity;
use crate::managed_id::ManagedId;
use crate::settings::{Cloud, IdentityKind};
use crate::{ERRORS, vars};

/// Chooses the identity.
pub(crate) fn choose(cloud: &Cloud, json: Option<&AzureJson>) -> Result<Identity, ProviderError> {
    let none = AzureJson::default();
    let node = Node {
        cloud,
        json: json.unwrap_or(&none),
    };
    let kind = cloud.settings.identity;
    let (word, needed) = match kind {
        IdentityKind::Auto => return node.automatic(json.is_some()),
        IdentityKind::Managed => return Ok(Identity::Managed(node.managed_id())),
        IdentityKind::Cli => {
            let tenant = cloud.env.get(vars::TENANT_ID);
            return Ok(Identity::Cli(tenant.map(str::to_owned)));
        }
        IdentityKind::Secret => ("secret", vars::CLIENT_SECRET),
        IdentityKind::Certificate => ("certificate", vars::CERTIFICATE_PATH),
        IdentityKind::Workload => ("workload", vars::FEDERATED_TOKEN_FILE),
    };
    let mut proofs = node.named().into_iter().chain(node.of_file()).flatten();
    match proofs.find(|proof| proof.kind() == kind) {
        Some(proof) => node.by(proof),
        None => {
            let name = vars::IDENTITY;
            Err(ERRORS.misconfigured(format!("{name}={word} needs {needed}")))
        }
    }
}

/// How an application proves itself.
enum Proof {
    Secret(SecretPlace),
    Certificate(PathBuf),
    Token(SecretPlace),
}

impl Proof {
    fn kind(&self) -> IdentityKind {
        match self {
            Self::Secret(_) => IdentityKind::Secret,
            Self::Certificate(_) => IdentityKind::Certificate,
            Self::Token(_) => IdentityKind::Workload,
        }
    }
}

struct Node<'a> {
    cloud: &'a Cloud,
    json: &'a AzureJson,
}

impl Node<'_> {
    fn automatic(&self, has_file: bool) -> Result<Identity, ProviderError> {
        if let Some(proof) = self.named().into_iter().flatten().next() {
            return self.by(proof);
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
        let [token, secret, certificate] = self.of_file();
        if token.is_none() && self.json.use_managed_identity {
            return Ok(Identity::Managed(self.managed_id()));
        }
        match token.or(secret).or(certificate) {
            Some(proof) => self.by(proof),
            None => Err(ERRORS.misconfigured(
                "azure.json names no identity: set useManagedIdentityExtension, aadClientId with \
                 aadClientSecret or aadClientCertPath, or aadFederatedTokenFile",
            )),
        }
    }

    /// The proofs that variables name, in their order.
    fn named(&self) -> [Option<Proof>; 3] {
        let env = &self.cloud.env;
        let secret = SecretPlace::named(env, vars::CLIENT_SECRET, vars::CLIENT_SECRET_FILE);
        let token = SecretPlace::named(env, vars::FEDERATED_TOKEN, vars::FEDERATED_TOKEN_FILE);
        [
            secret.map(Proof::Secret),
            env.path(vars::CERTIFICATE_PATH).map(Proof::Certificate),
            token.map(Proof::Token),
        ]
    }

    /// The proofs that azure.json names, in the order of the cloud provider itself.
    fn of_file(&self) -> [Option<Proof>; 3] {
        let usual = self.json.use_workload_identity.then_some(USUAL_TOKEN_FILE);
        let token = self.json.federated_token_file.as_deref().or(usual);
        // `msi` means a managed identity.
        let is_secret = |secret: &SecretString| !secret.is_same(&"msi".into());
        let secret = self.json.client_secret.clone().filter(is_secret);
        let certificate = self.json.certificate_path.as_ref();
        [
            token.map(|path| Proof::Token(SecretPlace::File(path.into()))),
            secret.map(|secret| Proof::Secret(SecretPlace::Given(secret))),
            certificate.map(|path| Proof::Certificate(path.into())),
        ]
    }

    fn by(&self, proof: Proof) -> Result<Identity, ProviderError> {
        Ok(match proof {
            Proof::Secret(secret) => {
                let secret = secret.read(ERRORS, "the client secret")?;
                Identity::Secret(self.application("a client secret")?, secret)
            }
            Proof::Certificate(path) => {
                let password = self.cloud.env.get(vars::CERTIFICATE_PASSWORD);
                let password = password.map(SecretString::from);
                let password = password.or_else(|| self.json.certificate_password.clone());
                Identity::Certificate(self.application("a certificate")?, path, password)
            }
            Proof::Token(token) => {
                Identity::Workload(self.application("a federated token")?, token)
            }
        })
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
