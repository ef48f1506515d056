//! The pod's own identity (KEP-4412): its service account token is exchanged for a federated
//! token, and that, if the service account says so, for the token of a Google service account.
//!
//! Two conventions name the pool. In GKE it is the project's identity namespace with the cluster's
//! issuer behind it (upstream's `--identity-provider` and `--project-id`, else asked of the
//! metadata server); elsewhere it is a workload identity pool provider (`--sts-audience`).
//!
//! Once the pod's identity is asked for, nothing falls back to the node's.

use async_trait::async_trait;
use regcred_core::{CredentialRequest, ErrorKind, ProviderError};
use secrecy::SecretString;

use crate::failure::{failure, misconfigured};
use crate::impersonation::Impersonation;
use crate::metadata::Metadata;
use crate::reach::Reach;
use crate::settings::{CLOUD_PLATFORM, Cluster, PodIdentity, Settings, is_service_account};
use crate::sts::{Exchange, JWT};
use crate::token::{AccessToken, TokenSource};
use crate::vars;

/// Whether this request is answered with the pod's identity.
pub(crate) fn is_asked_for(settings: &Settings, request: &CredentialRequest) -> bool {
    match settings.pod_identity {
        PodIdentity::Always => true,
        PodIdentity::Never => false,
        PodIdentity::Annotated => {
            let annotations = &request.service_account_annotations;
            match annotations.get(OPT_IN) {
                Some(value) => value == "true",
                None => annotations.contains_key(SERVICE_ACCOUNT),
            }
        }
    }
}

/// The Google service account that the pod's service account acts as.
pub(crate) fn service_account(request: &CredentialRequest) -> Option<&str> {
    request
        .service_account_annotations
        .get(SERVICE_ACCOUNT)
        .map(|email| email.trim())
        .filter(|email| !email.is_empty())
}

/// Tokens of the pod.
///
/// # Errors
/// When the request has no service account token or names no service account of Google's.
pub(crate) fn source(
    reach: &Reach,
    request: &CredentialRequest,
) -> Result<Box<dyn TokenSource>, ProviderError> {
    let Some(token) = &request.service_account_token else {
        return Err(failure(
            ErrorKind::IdentityUnavailable,
            "the pod's own identity is asked for, but the kubelet sent no service account token: \
             its configuration needs tokenAttributes with a serviceAccountTokenAudience",
        ));
    };
    let own = Box::new(Pod {
        reach: reach.clone(),
        token: token.clone(),
    });
    match service_account(request) {
        None => Ok(own),
        Some(email) if is_service_account(email) => {
            let whose = "the pod's identity";
            Ok(Box::new(Impersonation::of(reach, own, whose, email)))
        }
        Some(_) => Err(misconfigured(format!(
            "the annotation {SERVICE_ACCOUNT} is no service account's email"
        ))),
    }
}

struct Pod {
    reach: Reach,
    token: SecretString,
}

#[async_trait]
impl TokenSource for Pod {
    async fn token(&self, _scopes: &[String]) -> Result<AccessToken, ProviderError> {
        // Roles decide what a federated identity may do; the service knows this scope only.
        let scopes = [CLOUD_PLATFORM.to_owned()];
        let audience = self.audience().await?;
        Exchange {
            url: &self.reach.sts_url(),
            audience: &audience,
            subject_token: &self.token,
            subject_token_type: JWT,
            scopes: &scopes,
            client: None,
            user_project: None,
            whose: "the pod's service account token",
        }
        .send(&self.reach, &self.reach.web()?)
        .await
    }
}

impl Pod {
    async fn audience(&self) -> Result<String, ProviderError> {
        let settings = &self.reach.settings;
        if let Some(audience) = &settings.sts_audience {
            return Ok(audience.clone());
        }
        let Cluster { project, issuer } = match &settings.cluster {
            Some(cluster) => cluster.clone(),
            None => self.this_cluster().await.map_err(|e| {
                misconfigured(format!(
                    "cannot tell the pool of the pod's token: outside GKE set --sts-audience ({}), \
                     in GKE --identity-provider and --project-id",
                    vars::STS_AUDIENCE
                ))
                .with_source(e)
            })?,
        };
        Ok(format!("identitynamespace:{project}.svc.id.goog:{issuer}"))
    }

    /// The GKE cluster that this node belongs to.
    async fn this_cluster(&self) -> Result<Cluster, ProviderError> {
        let metadata = Metadata::new(&self.reach)?;
        let (project, location, name) = tokio::try_join!(
            metadata.required("project/project-id"),
            metadata.required("instance/attributes/cluster-location"),
            metadata.required("instance/attributes/cluster-name"),
        )?;
        let issuer = format!(
            "https://container.googleapis.com/v1/projects/{project}/locations/{location}/clusters/{name}"
        );
        Ok(Cluster { project, issuer })
    }
}

/// Upstream's opt-in.
const OPT_IN: &str = "iam.gke.io/enable-wi-image-pull";
/// GKE's name for the Google service account behind a Kubernetes one.
const SERVICE_ACCOUNT: &str = "iam.gke.io/gcp-service-account";

#[cfg(test)]
mod tests;
