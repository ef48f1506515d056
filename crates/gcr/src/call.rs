//! Calls of token endpoints and of other servers from which a text is read.

use std::time::Duration;

use chrono::TimeDelta;
use regcred_cloud::{AccessToken, TokenCall, TokenResponse};
use regcred_core::ProviderError;
use regcred_http::{Client, HttpError, Request, Retry, Url};

use crate::settings::Cloud;

/// The token that a token endpoint returns.
pub(crate) async fn token(
    cloud: &Cloud,
    client: &Client,
    request: Request,
    asked: &TokenCall,
) -> Result<AccessToken, ProviderError> {
    let request = request.timeout(TIMEOUT).retry(Retry::gentle());
    let response = async {
        let response = client.send(request).await?.success("its answer").await?;
        response.json::<TokenResponse>(LIMIT).await
    };
    let response = response.await.map_err(|error| asked.failed(error))?;
    response.accept(asked, cloud.now(), TimeDelta::zero())
}

/// What messages call a server: `what`, and the origin of its address.
pub(crate) fn server(what: &str, url: &str) -> String {
    match Url::parse(url) {
        Ok(url) => format!("{what} at {}", url.origin().ascii_serialization()),
        Err(_) => what.to_owned(),
    }
}

/// The text that a server returns, up to 1 MiB.
pub(crate) async fn text(client: &Client, request: Request) -> Result<String, HttpError> {
    let response = client.send(request).await?.success("its answer").await?;
    response.text(LIMIT).await
}

/// For one call with its repeats: three of them fit into the provider's deadline.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(14);
/// Longest body that is read, in bytes.
pub(crate) const LIMIT: usize = 1 << 20;
