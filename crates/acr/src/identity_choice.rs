//! Which identity a token is asked for, chosen before anything is sent. Whatever is named decides:
//! when it fails, no other is tried.

use regcred_core::{CredentialRequest, ProviderError, SecretText as _};

use crate::application::Application;
use crate::azure_json::AzureJson;
use crate::bindings::CLIENT_ID_ANNOTATION;
use crate::identity::Identity;
use crate::node_identity;
use crate::settings::Cloud;
use crate::{ERRORS, vars};

/// Chooses the identity for a request. A `mirrored` image is one of another registry that only the
/// node knows to be here, so that no pod's identity answers for it.
pub(crate) fn choose(
    cloud: &Cloud,
    json: Option<&AzureJson>,
    request: &CredentialRequest,
    mirrored: bool,
) -> Result<Identity, ProviderError> {
    if !mirrored && let Some(identity) = of_pod(cloud, json, request)? {
        return Ok(identity);
    }
    if cloud.settings.require_pod_identity {
        return Err(ERRORS.no_identity(format!(
            "the kubelet sent no service account token, and {} refuses the node's identity",
            vars::REQUIRE_POD_IDENTITY
        )));
    }
    node_identity::choose(cloud, json)
}

/// The pod's identity, when the kubelet sent its token. A token whose service account does not
/// name a client is an error: the node's identity is not for that pod.
fn of_pod(
    cloud: &Cloud,
    json: Option<&AzureJson>,
    request: &CredentialRequest,
) -> Result<Option<Identity>, ProviderError> {
    let bindings = cloud.settings.bindings.as_ref();
    let Some(token) = &request.service_account_token else {
        return match bindings {
            None => Ok(None),
            Some(_) => Err(ERRORS.no_identity(
                "identity bindings need the pod's service account token, but the kubelet sent \
                 none: its configuration needs tokenAttributes",
            )),
        };
    };
    if token.is_blank() {
        return Err(ERRORS.no_identity("the pod's service account token is empty"));
    }
    let token = token.trimmed();
    if let Some(bindings) = bindings {
        let client = bindings.client_id(request)?;
        return Ok(Some(Identity::Bound(bindings.clone(), client, token)));
    }
    let annotated = |name: &str| {
        let value = request.service_account_annotations.get(name);
        value.map(|v| v.trim()).filter(|v| !v.is_empty())
    };
    let missing = |name: &str| {
        ERRORS.no_identity(format!(
            "the pod's service account has no annotation {name}, or an empty one"
        ))
    };
    let client = annotated(CLIENT_ID_ANNOTATION).ok_or_else(|| missing(CLIENT_ID_ANNOTATION))?;
    // A tenant that is configured for the node need not be repeated for each service account.
    let tenant = annotated(TENANT_ID_ANNOTATION)
        .or_else(|| cloud.env.get(vars::TENANT_ID))
        .or_else(|| json.and_then(|json| json.tenant_id.as_deref()))
        .ok_or_else(|| missing(TENANT_ID_ANNOTATION))?;
    let application = Application::new(tenant, client).map_err(|error| {
        let message = "an annotation on the pod's service account is invalid";
        ERRORS.misconfigured(message).with_source(error)
    })?;
    Ok(Some(Identity::Pod(application, token)))
}

/// The annotation of a service account that names its tenant, as upstream's plugin has it.
const TENANT_ID_ANNOTATION: &str = "kubernetes.azure.com/acr-tenant-id";

#[cfg(test)]
mod tests;
