//! The HTTP client under azure_identity: ours, so that proxies, trust, time-outs, retries and
//! limits are those of every other call.
//!
//! The library receives successful responses only; a failure is our own error inside the library's
//! ([`crate::sdk::token`] takes it out again), because the library would repeat whole responses in
//! its message, and the request on a schedule of more than a minute. The transport also does three
//! things that the library cannot:
//!
//! - it insists on https for Entra ID, so a plain-http fake on loopback has an `https:` name;
//! - the metadata service's address is a constant in it, and is replaced by the configured one;
//! - it takes a metadata response only in the exact form of a virtual machine's, while emulators
//!   and other services send numbers for texts and leave members out.

use std::time::Duration;

use async_trait::async_trait;
use azure_core::error::{Error, ErrorKind};
use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, Body, HttpClient, Request as LibraryRequest, StatusCode};
use regcred_core::ProviderError;
use regcred_http::{Client, HttpError, Method, Request, Retry};
use serde_json::{Value, json};

use crate::entra_token::{LIMIT, TokenRequest, status_error};
use crate::machine::METADATA;
use crate::settings::Cloud;

/// The client of one credential.
#[derive(Debug)]
pub(crate) struct Transport {
    client: Client,
    /// The library's address of the server.
    known_as: String,
    /// The real one.
    base: String,
    retry: Retry,
    is_metadata: bool,
}

impl Transport {
    /// For the request's Entra ID.
    pub(crate) fn entra(request: &TokenRequest<'_>) -> Result<Self, ProviderError> {
        let base = request.authority.to_owned();
        Ok(Self {
            client: request.cloud.web()?,
            known_as: match base.strip_prefix("http://") {
                Some(rest) => format!("https://{rest}"),
                None => base.clone(),
            },
            base,
            retry: request.cloud.settings.retry,
            is_metadata: false,
        })
    }

    /// For the machine's metadata service.
    pub(crate) fn metadata(
        cloud: &Cloud,
        connect_timeout: Duration,
        retry: Retry,
    ) -> Result<Self, ProviderError> {
        Ok(Self {
            client: cloud.link(connect_timeout)?,
            known_as: METADATA.to_owned(),
            base: cloud.settings.imds.clone(),
            retry,
            is_metadata: true,
        })
    }

    /// The address under which the library must know the server.
    pub(crate) fn known_as(&self) -> &str {
        &self.known_as
    }

    /// The library's request, to the server's real address.
    fn request(&self, asked: &LibraryRequest) -> azure_core::Result<Request> {
        let rest = asked.url().as_str().strip_prefix(&self.known_as);
        let rest = rest.filter(|rest| rest.starts_with('/'));
        let method = Method::from_bytes(asked.method().as_str().as_bytes()).ok();
        let (Some(rest), Some(method)) = (rest, method) else {
            let message = "not a request to this transport's server";
            return Err(Error::with_message(ErrorKind::Credential, message));
        };
        let mut request = Request::new(method, &format!("{}{rest}", self.base));
        for (name, value) in asked.headers().iter() {
            // The client has a user agent of its own.
            if name.as_str() != "user-agent" {
                request = request.header(name.as_str(), value.as_str());
            }
        }
        if let Body::Bytes(bytes) = asked.body()
            && !bytes.is_empty()
        {
            request = request.body(bytes.clone()).secret_body();
        }
        Ok(request.timeout(TIMEOUT).retry(self.retry))
    }
}

#[async_trait]
impl HttpClient for Transport {
    async fn execute_request(
        &self,
        asked: &LibraryRequest,
    ) -> azure_core::Result<AsyncRawResponse> {
        let failed = |error: HttpError| Error::new(ErrorKind::Credential, error);
        let mut pause = RESTING;
        loop {
            let request = self.request(asked)?;
            let response = self.client.send(request).await.map_err(failed)?;
            let status = response.status().as_u16();
            // The metadata service is being set up (404) or renewed (410).
            let is_resting = self.is_metadata && matches!(status, 404 | 410);
            if is_resting && self.retry.attempts > 1 && pause <= LONGEST_RESTING {
                tokio::time::sleep(pause).await;
                pause *= 2;
                continue;
            }
            if status != 200 {
                return Err(failed(status_error(response).await));
            }
            let body = response.bytes(LIMIT).await.map_err(failed)?;
            let body = if self.is_metadata {
                in_exact_form(&body)
            } else {
                with_a_life_in_range(&body)
            };
            let ok = StatusCode::Ok;
            return Ok(AsyncRawResponse::from_bytes(ok, Headers::new(), body));
        }
    }
}

/// A metadata response in the only form that the library takes; one without a token stays so. The
/// expiry of the Entra token decides nothing: the registry's own token has another.
fn in_exact_form(body: &[u8]) -> Vec<u8> {
    let response: Value = serde_json::from_slice(body).unwrap_or_default();
    let exact = json!({
        "access_token": response["access_token"], "expires_on": "0", "resource": "",
        "token_type": "",
    });
    exact.to_string().into_bytes()
}

/// Entra ID's response with a life that the library can add to the time: it panics at any other.
fn with_a_life_in_range(body: &[u8]) -> Vec<u8> {
    let response: Value = serde_json::from_slice(body).unwrap_or_default();
    let is_out_of_range = response["expires_in"]
        .as_i64()
        .is_some_and(|life| !(0..=LONGEST_LIFE).contains(&life));
    let Value::Object(mut members) = response else {
        return body.to_vec();
    };
    if !is_out_of_range {
        return body.to_vec();
    }
    members.insert("expires_in".to_owned(), json!(0));
    Value::from(members).to_string().into_bytes()
}

/// Longer than any token lives: a year, in seconds.
const LONGEST_LIFE: i64 = 366 * 24 * 3600;
const TIMEOUT: Duration = Duration::from_secs(20);
/// First and longest pause for a metadata service that is not ready.
const RESTING: Duration = Duration::from_millis(500);
const LONGEST_RESTING: Duration = Duration::from_secs(4);

#[cfg(test)]
mod tests;
