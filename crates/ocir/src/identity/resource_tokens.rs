//! The two steps that versions 1.1, 2.1 and 3.0 of resource principals share: a service vouches
//! for the resource, and the auth service makes a session of that.

use regcred_cloud::{TokenCall, secret};
use regcred_core::ProviderError;
use regcred_http::{Request, Url, secure_url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use crate::ERRORS;
use crate::settings::Cloud;
use crate::signed_call;
use crate::signer::Signer;

/// The service's tokens for a resource, and for itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResourceTokens {
    #[serde(deserialize_with = "secret")]
    resource_principal_token: SecretString,
    #[serde(deserialize_with = "secret")]
    service_principal_session_token: SecretString,
}

impl ResourceTokens {
    /// Sends a signed request for them. Returns the address of the parent resource as well, where
    /// the service names one.
    pub(super) async fn ask(
        cloud: &Cloud,
        signed: Request,
        url: &Url,
    ) -> Result<(Self, Option<String>), ProviderError> {
        let asked = call(format!(
            "the service {}",
            url.origin().ascii_serialization()
        ));
        let response = signed_call::send(cloud, &cloud.web()?, signed, &asked, |_| None).await?;
        let parent = response.headers().get(PARENT).and_then(|v| v.to_str().ok());
        let parent = parent.filter(|url| !url.is_empty()).map(str::to_owned);
        let tokens = signed_call::read(response, &asked).await?;
        Ok((tokens, parent))
    }
}

/// Trades the tokens for a session token of a key, by its public half.
pub(super) async fn session_token(
    cloud: &Cloud,
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
    let request = signer.post(&url, &body, cloud.now());
    signed_call::security_token(cloud, request, &session_call(endpoint)).await
}

/// The call of the auth service, for its errors.
pub(super) fn session_call(endpoint: &str) -> TokenCall {
    call(format!("the auth service {endpoint}"))
}

fn call(server: String) -> TokenCall {
    ERRORS
        .token_call("the resource principal", server)
        .if_refused("allow the resource by its dynamic group, and set its clock")
}

/// A path at an endpoint that a variable names.
pub(super) fn address(endpoint: &str, path: &str) -> Result<Url, ProviderError> {
    let endpoint = endpoint.trim().trim_end_matches('/');
    secure_url(&format!("{endpoint}{path}")).ok_or_else(|| {
        ERRORS.misconfigured("an endpoint of the resource principal is not an https:// URL")
    })
}

const PARENT: &str = "opc-parent-rpt-url";
