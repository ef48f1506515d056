//! Which identity asks, chosen before anything is sent. Whatever is named decides: when it fails,
//! no other is tried.

use std::path::PathBuf;

use regcred_core::{CredentialRequest, ErrorKind, ProviderError, fingerprint};
use secrecy::{ExposeSecret, SecretString};

use crate::azure_json::AzureJson;
use crate::bindings::Bindings;
use crate::certificate::Certificate;
use crate::cloud::Cloud;
use crate::failure::{NoToken, failure, misconfigured};
use crate::managed_identity::{self, ManagedId};
use crate::node;
use crate::reach::Reach;
use crate::sdk::{self, Application};
use crate::secret_file;
use crate::vars;

/// An identity and what it needs to prove itself.
#[derive(Debug)]
pub(crate) enum Identity {
    /// A service principal by its secret.
    Secret(Application, SecretString),
    /// A service principal by the certificate in a file, perhaps with a password.
    Certificate(Application, PathBuf, Option<SecretString>),
    /// A token that Entra ID trusts for the application: of the process or of the pod.
    Workload(Application, WorkloadToken),
    /// A pod's token behind AKS identity bindings, for that client.
    Bound(Bindings, String, SecretString),
    /// A managed identity that somebody named.
    Managed(ManagedId),
    /// Whoever is logged in with the Azure CLI, in that tenant.
    Cli(Option<String>),
    /// Nothing was named: the machine's managed identity if there is one, else the Azure CLI's
    /// login.
    Ambient,
}

/// Where a federated token is.
#[derive(Debug)]
pub(crate) enum WorkloadToken {
    /// In a file, which is read anew each time: it is renewed in place.
    File(PathBuf),
    /// In a variable.
    Given(SecretString),
    /// In the request: the pod's.
    Pod(SecretString),
}

impl Identity {
    /// Chooses the identity for a request. `mirrored` is an image of another registry that only
    /// the node knows to be here, so that no pod's identity answers for it.
    pub(crate) fn choose(
        reach: &Reach,
        json: Option<&AzureJson>,
        request: &CredentialRequest,
        mirrored: bool,
    ) -> Result<Self, ProviderError> {
        let settings = &reach.settings;
        if !mirrored && let Some(identity) = of_pod(reach, json, request)? {
            return Ok(identity);
        }
        if settings.require_pod_identity {
            return Err(failure(
                ErrorKind::IdentityUnavailable,
                format!(
                    "the kubelet sent no service account token, and {} refuses the node's identity",
                    vars::REQUIRE_POD_IDENTITY
                ),
            ));
        }
        node::identity(reach, json)
    }

    /// An Entra token of this identity.
    pub(crate) async fn token(
        &self,
        reach: &Reach,
        cloud: &Cloud,
        audience: &str,
    ) -> Result<SecretString, NoToken> {
        let label = &self.label();
        match self {
            Self::Secret(application, secret) => {
                sdk::secret_token(reach, cloud, application, secret, audience, label).await
            }
            Self::Certificate(application, path, password) => {
                let certificate = Certificate::read(path, password.as_ref())?;
                let assertion = certificate.assertion(
                    &application.client_id,
                    &application.token_url(cloud),
                    reach.now(),
                    reach.settings.send_chain,
                )?;
                sdk::assertion_token(reach, cloud, application, assertion, audience, label).await
            }
            Self::Workload(application, token) => {
                let token = token.read()?;
                sdk::assertion_token(reach, cloud, application, token, audience, label).await
            }
            Self::Bound(bindings, client, token) => {
                bindings.token(reach, client, token, audience).await
            }
            Self::Managed(id) => managed_identity::token(reach, id, audience).await,
            Self::Cli(tenant) => sdk::cli_token(reach, tenant.as_deref(), audience).await,
            Self::Ambient => ambient(reach, audience).await,
        }
    }

    /// The identity by stable names that hold no secret. What options decide is not repeated: it is
    /// in every key.
    pub(crate) fn stable_name(&self) -> String {
        match self {
            Self::Secret(app, secret) => {
                format!("secret {} {}", app.stable_name(), fingerprint(secret))
            }
            Self::Certificate(app, path, _) => {
                format!("certificate {} {}", app.stable_name(), path.display())
            }
            Self::Workload(app, token) => {
                let (kind, token) = match token {
                    WorkloadToken::File(path) => ("workload", path.display().to_string()),
                    WorkloadToken::Given(token) => ("workload", fingerprint(token)),
                    WorkloadToken::Pod(token) => ("pod", fingerprint(token)),
                };
                format!("{kind} {} {token}", app.stable_name())
            }
            Self::Bound(_, client, token) => format!("bound {client} {}", fingerprint(token)),
            Self::Managed(id) => format!("managed {}", id.stable_name()),
            Self::Cli(tenant) => format!("cli {}", tenant.as_deref().unwrap_or_default()),
            Self::Ambient => "ambient".to_owned(),
        }
    }

    /// For messages.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::Secret(app, _) | Self::Certificate(app, ..) => {
                format!("the service principal {}", app.client_id)
            }
            Self::Workload(app, WorkloadToken::Pod(_)) => {
                format!("the pod's service account as client {}", app.client_id)
            }
            Self::Workload(app, _) => format!("the workload identity {}", app.client_id),
            Self::Bound(_, client, _) => {
                format!("the pod's service account as client {client}")
            }
            Self::Managed(id) => id.label(),
            Self::Cli(_) => "the Azure CLI's login".to_owned(),
            Self::Ambient => "the machine's identity or the Azure CLI's login".to_owned(),
        }
    }

    /// Client id and secret, for the login that the registry itself checks.
    pub(crate) fn secret(&self) -> Option<(&str, &SecretString)> {
        match self {
            Self::Secret(app, secret) => Some((&app.client_id, secret)),
            _ => None,
        }
    }
}

impl WorkloadToken {
    fn read(&self) -> Result<SecretString, ProviderError> {
        match self {
            Self::File(path) => {
                let what = format!("the federated token file {}", path.display());
                secret_file::trimmed(path, &what)
            }
            Self::Given(token) | Self::Pod(token) => Ok(token.expose_secret().trim().into()),
        }
    }
}

/// The pod's identity, when the kubelet sent its token. A token whose service account does not
/// name a client is an error: the node's identity is not for that pod.
fn of_pod(
    reach: &Reach,
    json: Option<&AzureJson>,
    request: &CredentialRequest,
) -> Result<Option<Identity>, ProviderError> {
    let bindings = reach.settings.bindings.as_ref();
    let Some(token) = &request.service_account_token else {
        return match bindings {
            None => Ok(None),
            Some(_) => Err(failure(
                ErrorKind::IdentityUnavailable,
                "identity bindings need the pod's service account token, but the kubelet sent \
                 none: its configuration needs tokenAttributes",
            )),
        };
    };
    if token.expose_secret().trim().is_empty() {
        return Err(failure(
            ErrorKind::IdentityUnavailable,
            "the pod's service account token is empty",
        ));
    }
    if let Some(bindings) = bindings {
        let client = bindings.client_id(request)?;
        let identity = Identity::Bound(bindings.clone(), client, token.clone());
        return Ok(Some(identity));
    }
    let annotated = |name: &str| {
        let value = request.service_account_annotations.get(name);
        value.map(|v| v.trim()).filter(|v| !v.is_empty())
    };
    let missing = |name: &str| {
        failure(
            ErrorKind::IdentityUnavailable,
            format!("the pod's service account has no annotation {name}, or an empty one"),
        )
    };
    let client = annotated(CLIENT_ID_ANNOTATION).ok_or_else(|| missing(CLIENT_ID_ANNOTATION))?;
    // An operator who says it once for the node need not repeat it for each service account.
    let tenant = annotated(TENANT_ID_ANNOTATION)
        .map(str::to_owned)
        .or_else(|| reach.env.get(vars::TENANT_ID).map(str::to_owned))
        .or_else(|| json.and_then(|json| json.tenant_id.clone()))
        .ok_or_else(|| missing(TENANT_ID_ANNOTATION))?;
    let application = Application::new(&tenant, client).map_err(|e| {
        misconfigured("an annotation of the pod's service account is unsound").with_source(e)
    })?;
    let token = WorkloadToken::Pod(token.clone());
    Ok(Some(Identity::Workload(application, token)))
}

async fn ambient(reach: &Reach, audience: &str) -> Result<SecretString, NoToken> {
    let absent = match managed_identity::token(reach, &ManagedId::System, audience).await {
        Err(NoToken::Other(error)) if error.kind() == ErrorKind::IdentityUnavailable => error,
        done => return done,
    };
    match node::has_program(&reach.env, "az") {
        true => sdk::cli_token(reach, None, audience).await,
        false => Err(NoToken::Other(absent)),
    }
}

/// Annotations of a service account, as upstream's plugin has them.
pub(crate) const CLIENT_ID_ANNOTATION: &str = "kubernetes.azure.com/acr-client-id";
const TENANT_ID_ANNOTATION: &str = "kubernetes.azure.com/acr-tenant-id";

#[cfg(test)]
mod tests;
