//! The Entra token of a pod, by AKS identity bindings. The call is our own: azure_identity cannot
//! ask another endpoint than Entra ID's.

use std::time::Duration;

use regcred_cloud::TokenResponse;
use regcred_core::{Env, ErrorKind};
use regcred_http::FormValue::{Secret, Text};
use regcred_http::{CaBundle, Proxy, Request, resolve};
use secrecy::SecretString;

use crate::ERRORS;
use crate::bindings::Bindings;
use crate::entra_token::{TokenError, TokenRequest, read};

/// An Entra token of the client, for the pod's token.
pub(crate) async fn token(
    request: &TokenRequest<'_>,
    bindings: &Bindings,
    client_id: &str,
    token: &SecretString,
) -> Result<SecretString, TokenError> {
    let Bindings { sni, address, .. } = bindings;
    let endpoint = ERRORS.token_call(request.identity, format!("the identity bindings at {sni}"));
    // The API server's own name, and not the endpoint's, leads there.
    let (host, port) = address.rsplit_once(':').unwrap_or((address, "443"));
    let addresses = resolve(host.trim_matches(['[', ']']))
        .await
        .map_err(|error| {
            let answer = format!("cannot resolve the API server {address}");
            endpoint
                .answered(ErrorKind::Unreachable, &answer)
                .with_source(error)
        })?;
    let port: u16 = port.parse().unwrap_or(443);
    let addresses = addresses.into_iter().map(|ip| (ip, port).into());
    let client = request.cloud.client(|options| {
        // The environment's roots and proxies are not for the cluster's own server.
        options.env = Env::default();
        options.proxy = Proxy::None;
        options.ca_bundle = Some(CaBundle {
            path: bindings.ca_file.clone(),
            named_by: "the cluster",
        });
        options.resolve = vec![(sni.to_ascii_lowercase(), addresses.collect())];
    })?;
    let scope = format!("{}/.default", request.audience);
    let asked = Request::post(&format!("https://{sni}"))
        .form(&[
            ("grant_type", Text("client_credentials")),
            ("client_assertion_type", Text(ASSERTION_TYPE)),
            ("scope", Text(&scope)),
            ("client_assertion", Secret(token)),
            ("client_id", Text(client_id)),
        ])
        .timeout(TIMEOUT)
        .retry(request.cloud.settings.retry);
    let response = async { read::<TokenResponse>(client.send(asked).await?).await };
    let response = response.await;
    let response = response.map_err(|error| TokenError::failed(&endpoint, error))?;
    Ok(response.secret(&endpoint)?)
}

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const TIMEOUT: Duration = Duration::from_secs(20);
