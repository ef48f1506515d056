//! One call of an Oracle service: what every request carries, and how failures are reported.

use std::time::Duration;

use regcred_cloud::{TokenCall, TokenResponse};
use regcred_core::ProviderError;
use regcred_http::{Client, Request, Response, Retry, StatusCode, random_word};
use secrecy::SecretString;
use serde::de::DeserializeOwned;

use crate::service_error::refused;
use crate::settings::Cloud;

/// Sends a request. `advice` is what to do about a response with another status than 200.
pub(crate) async fn send(
    cloud: &Cloud,
    client: &Client,
    request: Request,
    asked: &TokenCall,
    advice: impl FnOnce(StatusCode) -> Option<String>,
) -> Result<Response, ProviderError> {
    let request = request
        .header("Accept", "application/json")
        .header("opc-request-id", &new_request_id())
        .timeout(TIMEOUT)
        .retry(RETRY);
    let response = client.send(request).await;
    let response = response.map_err(|error| asked.failed(error))?;
    match response.status() {
        StatusCode::OK => Ok(response),
        status => Err(refused(asked, advice(status), response, cloud.now()).await),
    }
}

/// The body of a response as JSON.
pub(crate) async fn read<T: DeserializeOwned>(
    response: Response,
    asked: &TokenCall,
) -> Result<T, ProviderError> {
    let body = response.json(LIMIT).await;
    body.map_err(|error| asked.failed(error))
}

/// Both for a service that returns a security token.
pub(crate) async fn security_token(
    cloud: &Cloud,
    request: Request,
    asked: &TokenCall,
) -> Result<SecretString, ProviderError> {
    let response = send(cloud, &cloud.web()?, request, asked, |_| None).await?;
    let response: TokenResponse = read(response, asked).await?;
    response.secret(asked)
}

/// A fresh `opc-request-id`: the response repeats it.
fn new_request_id() -> String {
    let part = || format!("{:016x}{:016x}", random_word(), random_word());
    format!("{}/{}/{}", part(), part(), part())
}

/// Time for one call, its retries included.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Many nodes start at once; pauses are random and as long as the service asks for.
const RETRY: Retry = Retry {
    attempts: 4,
    base: Duration::from_millis(400),
    cap: Duration::from_secs(5),
};
/// Longer than any response in use, in bytes.
pub(crate) const LIMIT: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_have_oracles_length_and_differ() {
        assert_eq!(new_request_id().len(), 98);
        assert_ne!(new_request_id(), new_request_id());
    }
}
