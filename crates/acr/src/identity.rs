//! The identities that a token is asked for, and how each gets its Entra token.

use std::path::PathBuf;

use regcred_cloud::SecretPlace;
use regcred_core::{ErrorKind, fingerprint};
use regcred_exec::find_program;
use secrecy::SecretString;

use crate::application::Application;
use crate::bindings::Bindings;
use crate::certificate::Certificate;
use crate::entra_token::{TokenError, TokenRequest};
use crate::identity_endpoint::IdentityEndpoint;
use crate::managed_id::ManagedId;
use crate::{ERRORS, azure_cli, binding_token, entra, virtual_machine};

/// An identity and what it needs to prove itself.
#[derive(Debug)]
pub(crate) enum Identity {
    /// A service principal by its secret.
    Secret(Application, SecretString),
    /// A service principal by the certificate in a file, perhaps with a password.
    Certificate(Application, PathBuf, Option<SecretString>),
    /// A token of this process that Entra ID trusts for the application. A file is read each time,
    /// since it is renewed in place.
    Workload(Application, SecretPlace),
    /// The same by the pod's token.
    Pod(Application, SecretString),
    /// A pod's token for AKS identity bindings, as that client.
    Bound(Bindings, String, SecretString),
    /// A managed identity that was named.
    Managed(ManagedId),
    /// The user that is logged in with the Azure CLI, in that tenant.
    Cli(Option<String>),
    /// Nothing was named: the machine's managed identity if there is one, else the Azure CLI's
    /// login.
    Ambient,
}

impl Identity {
    /// An Entra token of this identity.
    pub(crate) async fn token(
        &self,
        request: &TokenRequest<'_>,
    ) -> Result<SecretString, TokenError> {
        match self {
            Self::Secret(application, secret) => {
                entra::by_secret(request, application, secret).await
            }
            Self::Certificate(application, path, password) => {
                let certificate = Certificate::read(path, password.as_ref())?;
                let assertion = certificate.assertion(
                    &application.client_id,
                    &application.token_url(request.authority),
                    request.cloud.now(),
                    request.cloud.settings.send_chain,
                )?;
                entra::by_assertion(request, application, assertion).await
            }
            Self::Workload(application, token) => {
                let token = token.read(ERRORS, "the federated token")?;
                entra::by_assertion(request, application, token).await
            }
            Self::Pod(application, token) => {
                entra::by_assertion(request, application, token.clone()).await
            }
            Self::Bound(bindings, client, token) => {
                binding_token::token(request, bindings, client, token).await
            }
            Self::Managed(id) => managed(request, id).await,
            Self::Cli(tenant) => azure_cli::token(request, tenant.as_deref()).await,
            Self::Ambient => ambient(request).await,
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
                format!("workload {} {}", app.stable_name(), token.stable_name())
            }
            Self::Pod(app, token) => format!("pod {} {}", app.stable_name(), fingerprint(token)),
            Self::Bound(_, client, token) => format!("bound {client} {}", fingerprint(token)),
            Self::Managed(id) => format!("managed {}", id.stable_name()),
            Self::Cli(tenant) => format!("cli {}", tenant.as_deref().unwrap_or_default()),
            Self::Ambient => "ambient".to_owned(),
        }
    }

    /// For messages.
    pub(crate) fn label(&self) -> String {
        let pod = |client| format!("the pod's service account as client {client}");
        match self {
            Self::Secret(app, _) | Self::Certificate(app, ..) => {
                format!("the service principal {}", app.client_id)
            }
            Self::Workload(app, _) => format!("the workload identity {}", app.client_id),
            Self::Pod(app, _) => pod(&app.client_id),
            Self::Bound(_, client, _) => pod(client),
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

async fn managed(request: &TokenRequest<'_>, id: &ManagedId) -> Result<SecretString, TokenError> {
    match IdentityEndpoint::find(request.cloud) {
        Some(endpoint) => endpoint.token(request, id).await,
        None => virtual_machine::token(request, id).await,
    }
}

async fn ambient(request: &TokenRequest<'_>) -> Result<SecretString, TokenError> {
    let path = request.cloud.env.get("PATH").unwrap_or_default();
    match managed(request, &ManagedId::System).await {
        Err(failed)
            if failed.error.kind() == ErrorKind::IdentityUnavailable
                && find_program("az", path).is_some() =>
        {
            azure_cli::token(request, None).await
        }
        token => token,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_distinguish_identities_and_show_no_secret() {
        let name = |secret: &str| {
            let application = Application::new("t", "c").expect("sound");
            Identity::Secret(application, secret.into()).stable_name()
        };
        assert_ne!(name("canary1"), name("canary2"));
        assert!(!name("canary1").contains("canary"));
    }
}
