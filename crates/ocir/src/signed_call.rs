//! One call of an Oracle service: what every request carries, and how failures are reported.

use std::time::Duration;

use regcred_cloud::TokenResponse;
use regcred_core::ProviderError;
use regcred_http::{Client, Request, Response, Retry, StatusCode, random_word};
use secrecy::SecretString;
use serde::de::DeserializeOwned;

use crate::ERRORS;
use crate::service_error::{Refusal, refused};
use crate::settings::Cloud;

/// Sends a request. `service` and `who` are names for messages: of the server, and of what the token is
/// for. `refusal` is for a response with another status than 200.
pub(crate) async fn send(
    cloud: &Cloud,
    client: &Client,
    request: Request,
    service: &str,
    who: &str,
    refusal: impl FnOnce(StatusCode) -> Refusal,
) -> Result<Response, ProviderError> {
    let request = request
        .header("Accept", "application/json")
        .header("opc-request-id", &new_request_id())
        .timeout(TIMEOUT)
        .retry(RETRY);
    let sent = client.send(request).await;
    let response = sent.map_err(|error| {
        let message = format!("no token for {who}: cannot reach {service}");
        ERRORS.call_failed(message, error)
    })?;
    match response.status() {
        StatusCode::OK => Ok(response),
        status => Err(refused(refusal(status), response, cloud.now()).await),
    }
}

/// Reads the JSON of a response.
pub(crate) async fn read<T: DeserializeOwned>(
    response: Response,
    service: &str,
    who: &str,
) -> Result<T, ProviderError> {
    let body = response.json(LIMIT).await;
    body.map_err(|error| {
        let message = format!("no token for {who}: cannot read the response of {service}");
        ERRORS.call_failed(message, error)
    })
}

/// Both for a service that returns a security token.
pub(crate) async fn security_token(
    cloud: &Cloud,
    request: Request,
    service: &str,
    who: &str,
    next_step: Option<&str>,
) -> Result<SecretString, ProviderError> {
    let refusal = |_| Refusal {
        message: format!("{service} returned no token for {who}"),
        next_step: next_step.map(str::to_owned),
    };
    let response = send(cloud, &cloud.web()?, request, service, who, refusal).await?;
    let response: TokenResponse = read(response, service, who).await?;
    response.secret(ERRORS, &issuer(service, who))
}

/// The issuer of a token, in errors about the token itself.
pub(crate) fn issuer(service: &str, who: &str) -> String {
    format!("{service}, asked for {who},")
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
