//! Layers at addresses that a descriptor names in addition to the registry.

use regcred_http::{Client, Network, Response, Retry, Url, has_user};

use super::address::{NamedAddress, is_private};
use super::error::RegistryError;
use super::failed_response::FailedResponse;
use super::request::RegistryRequest;

/// Asks an address that a descriptor names, not the registry, without any secret: a foreign layer's. The
/// descriptor is from a server in this network.
pub(crate) async fn send_foreign(
    client: &Client,
    retry: Retry,
    url: &str,
    named_by: Network,
    request: &RegistryRequest<'_>,
) -> Result<Response, RegistryError> {
    let object = request.object;
    let refuse = |why: &str| {
        let what = format!("refusing a foreign layer's address: {why}");
        RegistryError::protocol(object, what)
    };
    let url = Url::parse(url).map_err(|_| refuse("it is not a URL"))?;
    if url.scheme() != "https" {
        return Err(refuse("it is not https"));
    }
    if has_user(&url) {
        return Err(refuse("it holds user information"));
    }
    if is_private(&url) {
        return Err(refuse("it is a private address"));
    }
    let address = NamedAddress {
        url,
        by: Some(named_by),
    };
    let response = client.send(request.to(&address).retry(retry)).await;
    let response = response.map_err(|error| RegistryError::unreached(object, error))?;
    if response.status().is_success() {
        Ok(response)
    } else {
        let response = FailedResponse::read(response).await;
        Err(RegistryError::answered(object, response))
    }
}
