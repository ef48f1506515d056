//! The two steps that versions 1.1, 2.1 and 3.0 of resource principals share: a service tells what
//! the resource is, and the auth service makes a session of that.

use regcred_cloud::secret;
use regcred_core::ProviderError;
use regcred_http::{Request, Url, secure_url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use crate::call;
use crate::failure::misconfigured;
use crate::reach::Reach;
use crate::signer::Signer;

/// The service's word for a resource, and for itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResourceTokens {
    #[serde(deserialize_with = "secret")]
    resource_principal_token: SecretString,
    #[serde(deserialize_with = "secret")]
    service_principal_session_token: SecretString,
}

impl ResourceTokens {
    /// Sends a signed request for them. Also gives the address of the parent resource, where the
    /// service names one.
    pub(super) async fn ask(
        reach: &Reach,
        signed: Request,
        url: &Url,
    ) -> Result<(Self, Option<String>), ProviderError> {
        let place = url.host_str().unwrap_or_default();
        let refusal = |_| format!("{place} gives no token for the resource");
        let response = call::send(reach, &reach.web()?, signed, place, refusal).await?;
        let parent = response.headers().get(PARENT).and_then(|v| v.to_str().ok());
        let parent = parent.filter(|url| !url.is_empty()).map(str::to_owned);
        let tokens = call::read(response, place).await?;
        Ok((tokens, parent))
    }
}

/// Trades them for a session token of a key whose public half is given.
pub(super) async fn session_token(
    reach: &Reach,
    signer: &Signer,
    endpoint: &str,
    tokens: &ResourceTokens,
    public_key: &str,
) -> Result<SecretString, ProviderError> {
    let url = address(endpoint, "/v1/resourcePrincipalSessionToken")?;
    let body = json!({
        "resourcePrincipalToken": tokens.resource_principal_token.expose_secret(),
        "servicePrincipalSessionToken": tokens.service_principal_session_token.expose_secret(),
        "sessionPublicKey": public_key,
    });
    let request = signer.post(&url, &body, reach.now());
    let service = format!("the auth service {endpoint}");
    call::security_token(reach, request, &service, "gives the resource no session").await
}

/// A path at an endpoint that a variable names.
pub(super) fn address(endpoint: &str, path: &str) -> Result<Url, ProviderError> {
    let endpoint = endpoint.trim().trim_end_matches('/');
    secure_url(&format!("{endpoint}{path}"))
        .ok_or_else(|| misconfigured("an endpoint of the resource principal is no https:// URL"))
}

const PARENT: &str = "opc-parent-rpt-url";
