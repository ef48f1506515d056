//! One call of a service of Oracle's: what every request carries, and what failures are told as.

use regcred_core::ProviderError;
use regcred_http::{Client, Request, Response, StatusCode};
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::failure::{call_failed, new_request_id, refused};
use crate::reach::{CALL, LIMIT, RETRY, Reach};

/// Sends a request. `service` ends the sentence "cannot reach"; `refusal` is the sentence for an
/// answer with another status than 200.
pub(crate) async fn send(
    reach: &Reach,
    client: &Client,
    request: Request,
    service: &str,
    refusal: impl FnOnce(StatusCode) -> String,
) -> Result<Response, ProviderError> {
    let request = request
        .header("Accept", "application/json")
        .header("opc-request-id", &new_request_id())
        .timeout(CALL)
        .retry(RETRY);
    let sent = client.send(request).await;
    let response = sent.map_err(|e| call_failed(format!("cannot reach {service}"), e))?;
    match response.status() {
        StatusCode::OK => Ok(response),
        status => Err(refused(refusal(status), response, reach.now()).await),
    }
}

/// Reads the JSON of an answer. `service` ends the sentence "cannot read the answer of".
pub(crate) async fn read<T: DeserializeOwned>(
    response: Response,
    service: &str,
) -> Result<T, ProviderError> {
    let answer = response.json(LIMIT).await;
    answer.map_err(|e| call_failed(format!("cannot read the answer of {service}"), e))
}

/// Both for a service that answers with a security token. `refusal` goes on after the service.
pub(crate) async fn security_token(
    reach: &Reach,
    request: Request,
    service: &str,
    refusal: &str,
) -> Result<SecretString, ProviderError> {
    let sentence = |_| format!("{service} {refusal}");
    let response = send(reach, &reach.web()?, request, service, sentence).await?;
    let answer: TokenAnswer = read(response, service).await?;
    Ok(answer.token)
}

/// The answer to every call that gives a security token.
#[derive(Deserialize)]
pub(crate) struct TokenAnswer {
    #[serde(deserialize_with = "regcred_cloud::secret")]
    pub(crate) token: SecretString,
}
