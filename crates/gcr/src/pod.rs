//! The pod's own identity (KEP-4412): its service account token is exchanged for a federated
//! token, and that, if the service account names one, for the token of a Google service account.
//!
//! Two conventions name the pool. In GKE it is the project's identity namespace followed by the
//! cluster's issuer (upstream's `--identity-provider` and `--project-id`, else read from the
//! metadata server); elsewhere it is a workload identity pool provider (`--sts-audience`).

use regcred_cloud::AccessToken;
use regcred_core::{CredentialRequest, ProviderError, fingerprint};
use secrecy::SecretString;

use crate::impersonation::{Impersonation, act_as};
use crate::metadata::Metadata;
use crate::resource_names::is_service_account;
use crate::settings::{CLOUD_PLATFORM, Cloud, PodIdentity, Pool, Settings};
use crate::sts::{Exchange, JWT};
use crate::{ERRORS, vars};

/// Whether this request is answered with the pod's identity.
pub(crate) fn is_asked_for(settings: &Settings, request: &CredentialRequest) -> bool {
    let annotations = &request.service_account_annotations;
    match settings.pod_identity {
        PodIdentity::Always => true,
        PodIdentity::Never => false,
        PodIdentity::Annotated => match annotations.get(OPT_IN) {
            Some(value) => value == "true",
            None => annotations.contains_key(SERVICE_ACCOUNT),
        },
    }
}

/// A pod's identity.
pub(crate) struct Pod {
    token: SecretString,
    /// The Google service account that the pod's service account acts as.
    acts_as: Option<Impersonation>,
}

impl Pod {
    /// # Errors
    /// When the request has no service account token, or its annotation does not name a service
    /// account of Google's.
    pub(crate) fn of(
        settings: &Settings,
        request: &CredentialRequest,
    ) -> Result<Self, ProviderError> {
        let Some(token) = &request.service_account_token else {
            return Err(ERRORS.no_identity(
                "the pod's own identity is asked for, but the kubelet sent no service account \
                 token: its configuration needs tokenAttributes with a serviceAccountTokenAudience",
            ));
        };
        let annotation = request.service_account_annotations.get(SERVICE_ACCOUNT);
        let email = annotation.map(|email| email.trim());
        let email = email.filter(|email| !email.is_empty());
        if email.is_some_and(|email| !is_service_account(email)) {
            return Err(ERRORS.misconfigured(format!(
                "the annotation {SERVICE_ACCOUNT} is not the email of a service account"
            )));
        }
        Ok(Self {
            token: token.clone(),
            acts_as: email.map(|email| Impersonation::of(settings, "the pod's identity", email)),
        })
    }

    /// The identity by stable names that hold no secret.
    pub(crate) fn key_parts(&self) -> Vec<(&'static str, String)> {
        let account = self.acts_as.as_ref().map(Impersonation::account);
        vec![
            ("pod", fingerprint(&self.token)),
            ("acts as", account.unwrap_or_default().to_owned()),
        ]
    }

    /// An access token.
    pub(crate) async fn token(&self, cloud: &Cloud) -> Result<AccessToken, ProviderError> {
        let exchange = Exchange {
            url: cloud.settings.exchange_url(),
            audience: audience(cloud).await?,
            subject_token_type: JWT.to_owned(),
            client: None,
            user_project: None,
            whose: "the pod's service account token".to_owned(),
        };
        // Roles decide what a federated identity may do; the service knows this scope only.
        let client = cloud.web()?;
        let own = exchange.token(cloud, &client, &self.token, CLOUD_PLATFORM);
        let scopes = &cloud.settings.scopes;
        act_as(cloud, own.await?, self.acts_as.as_slice(), scopes).await
    }
}

/// The pool as the token service names it.
async fn audience(cloud: &Cloud) -> Result<String, ProviderError> {
    let pool = match &cloud.settings.pool {
        Some(pool) => pool.clone(),
        None => this_cluster(cloud).await.map_err(|error| {
            let message = format!(
                "cannot determine the pool of the pod's token: outside GKE set --sts-audience \
                 ({}), in GKE --identity-provider and --project-id",
                vars::STS_AUDIENCE
            );
            ERRORS.misconfigured(message).with_source(error)
        })?,
    };
    Ok(match pool {
        Pool::Provider(audience) => audience,
        Pool::Gke { project, issuer } => {
            format!("identitynamespace:{project}.svc.id.goog:{issuer}")
        }
    })
}

/// The pool of the GKE cluster that this node belongs to.
async fn this_cluster(cloud: &Cloud) -> Result<Pool, ProviderError> {
    let metadata = Metadata::new(cloud)?;
    let (project, location, name) = tokio::try_join!(
        metadata.required("project/project-id"),
        metadata.required("instance/attributes/cluster-location"),
        metadata.required("instance/attributes/cluster-name"),
    )?;
    let issuer = format!(
        "https://container.googleapis.com/v1/projects/{project}/locations/{location}/clusters/{name}"
    );
    Ok(Pool::Gke { project, issuer })
}

/// Upstream's opt-in.
const OPT_IN: &str = "iam.gke.io/enable-wi-image-pull";
/// GKE's annotation that names the Google service account of a Kubernetes one.
const SERVICE_ACCOUNT: &str = "iam.gke.io/gcp-service-account";

#[cfg(test)]
mod tests;
