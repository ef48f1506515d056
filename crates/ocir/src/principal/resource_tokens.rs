//! The two steps that versions 1.1, 2.1 and 3.0 of resource principals share: a service tells what
//! the resource is, and the auth service makes a session of that.

use regcred_core::ProviderError;
use regcred_http::{Request, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::instance::{TokenAnswer, secret};
use crate::failure::{call_failed, misconfigured, new_request_id, refused};
use crate::reach::{CALL, LIMIT, RETRY, Reach};
use crate::settings::checked_url;
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
        let request = signed
            .header("Accept", "application/json")
            .header("opc-request-id", &new_request_id())
            .timeout(CALL)
            .retry(RETRY);
        let place = url.host_str().unwrap_or_default();
        let response =
            reach.web()?.send(request).await.map_err(|e| {
                call_failed(format!("cannot ask {place} for the resource's token"), e)
            })?;
        if response.status() != StatusCode::OK {
            let what = format!("{place} gives no token for the resource");
            return Err(refused(what, response, reach.now()).await);
        }
        let parent = response.headers().get(PARENT).and_then(|v| v.to_str().ok());
        let parent = parent.filter(|url| !url.is_empty()).map(str::to_owned);
        let tokens = response.json(LIMIT).await;
        let tokens =
            tokens.map_err(|e| call_failed(format!("cannot read the answer of {place}"), e))?;
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
    let request = signer
        .post(&url, &body, reach.now())
        .header("Accept", "application/json")
        .header("opc-request-id", &new_request_id())
        .timeout(CALL)
        .retry(RETRY);
    let response = reach
        .web()?
        .send(request)
        .await
        .map_err(|e| call_failed(format!("cannot reach the auth service {endpoint}"), e))?;
    if response.status() != StatusCode::OK {
        let what = format!("the auth service {endpoint} gives the resource no session");
        return Err(refused(what, response, reach.now()).await);
    }
    let answer: TokenAnswer = response
        .json(LIMIT)
        .await
        .map_err(|e| call_failed("cannot read the resource's session token", e))?;
    Ok(answer.token)
}

/// A path at an endpoint that a variable names.
pub(super) fn address(endpoint: &str, path: &str) -> Result<Url, ProviderError> {
    let endpoint = endpoint.trim().trim_end_matches('/');
    checked_url(&format!("{endpoint}{path}"))
        .ok_or_else(|| misconfigured("an endpoint of the resource principal is no https:// URL"))
}

const PARENT: &str = "opc-parent-rpt-url";
