//! One call of an Oracle service: what every request carries, and how failures are reported.

use std::time::Duration;

use regcred_cloud::TokenResponse;
use regcred_core::ProviderError;
use regcred_http::{Client, Request, Response, Retry, StatusCode, random_word};
use secrecy::SecretString;
use serde::de::DeserializeOwned;

use crate::ERRORS;
use crate::service_error::refused;
use crate::settings::Cloud;

/// Sends a request. `service` ends the message "cannot reach"; `refusal` is the message for a
/// response with another status than 200.
pub(crate) async fn send(
    cloud: &Cloud,
    client: &Client,
    request: Request,
    service: &str,
    refusal: impl FnOnce(StatusCode) -> String,
) -> Result<Response, ProviderError> {
    let request = request
        .header("Accept", "application/json")
        .header("opc-request-id", &new_request_id())
        .timeout(TIMEOUT)
        .retry(RETRY);
    let sent = client.send(request).await;
    let response = sent.map_err(|e| ERRORS.call_failed(format!("cannot reach {service}"), e))?;
    match response.status() {
        StatusCode::OK => Ok(response),
        status => Err(refused(refusal(status), response, cloud.now()).await),
    }
}

/// Reads the JSON of a response.
pub(crate) async fn read<T: DeserializeOwned>(
    response: Response,
    service: &str,
) -> Result<T, ProviderError> {
    let body = response.json(LIMIT).await;
    body.map_err(|e| ERRORS.call_failed(format!("cannot read the response of {service}"), e))
}

/// Both for a service that returns a security token. `refusal` continues the message after the
/// service.
pub(crate) async fn security_token(
    cloud: &Cloud,
    request: Request,
    service: &str,
    refusal: &str,
) -> Result<SecretString, ProviderError> {
    let refusal = |_| format!("{service} {refusal}");
    let response = send(cloud, &cloud.web()?, request, service, refusal).await?;
    let response: TokenResponse = read(response, service).await?;
    response.secret(ERRORS, service)
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
