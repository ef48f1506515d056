//! The HTTP client under azure_identity: ours, so that proxies, trust, time-outs, retries and
//! limits are those of every other call.
//!
//! The library sees successes only. What went wrong stays here and is told in our words, because
//! its own errors repeat whole answers, and because it would repeat a request on a schedule of more
//! than a minute. Three things it cannot do are put right on the way:
//!
//! - it insists on https for Entra ID, so a plain-http fake on loopback gets an `https:` name;
//! - the metadata service's address is a constant in it, and is replaced by the configured one;
//! - it takes a metadata answer only in the exact form of a virtual machine's, while emulators and
//!   other services send numbers for texts and leave members out.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use azure_core::error::{Error, ErrorKind};
use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, Body, HttpClient, Request as Asked, StatusCode};
use regcred_core::ProviderError;
use regcred_http::{Client, HttpError, Method, Request, Retry, Url};
use serde_json::{Value, json};

use crate::failure::Refusal;
use crate::reach::Reach;
use crate::settings::METADATA;

/// The client. Clones share what went wrong.
#[derive(Clone)]
pub(crate) struct Transport(Arc<Inner>);

struct Inner {
    client: Client,
    /// What the library takes the server's address to be.
    known_as: String,
    /// What it is.
    base: String,
    retry: Retry,
    metadata: bool,
    failure: Mutex<Option<Failure>>,
}

/// Why the library got no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// None came.
    NoAnswer(HttpError),
    /// One with an unwanted status.
    Refused(Refusal),
}

impl Transport {
    /// For Entra ID at that base URL.
    pub(crate) fn entra(reach: &Reach, authority: &str) -> Result<Self, ProviderError> {
        let known_as = match authority.strip_prefix("http://") {
            Some(rest) => format!("https://{rest}"),
            None => authority.to_owned(),
        };
        Ok(Self::new(
            reach.web()?,
            known_as,
            authority,
            reach.retry,
            false,
        ))
    }

    /// For the machine's metadata service.
    pub(crate) fn metadata(
        reach: &Reach,
        connect_timeout: Duration,
        retry: Retry,
    ) -> Result<Self, ProviderError> {
        let client = reach.link(connect_timeout)?;
        let base = &reach.settings.imds;
        Ok(Self::new(client, METADATA.to_owned(), base, retry, true))
    }

    /// The address under which the library must know the server.
    pub(crate) fn known_as(&self) -> &str {
        &self.0.known_as
    }

    /// What went wrong last.
    pub(crate) fn failure(&self) -> Option<Failure> {
        self.slot().take()
    }

    fn new(client: Client, known_as: String, base: &str, retry: Retry, metadata: bool) -> Self {
        Self(Arc::new(Inner {
            client,
            known_as,
            base: base.to_owned(),
            retry,
            metadata,
            failure: Mutex::default(),
        }))
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Failure>> {
        self.0
            .failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The address to ask: the library's, at the server's real place.
    fn address(&self, url: &Url) -> azure_core::Result<String> {
        let place = url.as_str().strip_prefix(&self.0.known_as);
        match place.filter(|rest| rest.starts_with('/')) {
            Some(rest) => Ok(format!("{}{rest}", self.0.base)),
            None => Err(told_elsewhere()),
        }
    }

    fn request(&self, asked: &Asked) -> azure_core::Result<Request> {
        let address = self.address(asked.url())?;
        let method = Method::from_bytes(asked.method().as_str().as_bytes());
        let mut request = Request::new(method.map_err(|_| told_elsewhere())?, &address);
        for (name, value) in asked.headers().iter() {
            // The client says who we are.
            if name.as_str() != "user-agent" {
                request = request.header(name.as_str(), value.as_str());
            }
        }
        if let Body::Bytes(bytes) = asked.body()
            && !bytes.is_empty()
        {
            request = request.body(bytes.clone()).secret_body();
        }
        Ok(request.timeout(TIMEOUT).retry(self.0.retry))
    }

    async fn send(&self, asked: &Asked) -> azure_core::Result<AsyncRawResponse> {
        let mut pause = RESTING;
        loop {
            let request = self.request(asked)?;
            let response = match self.0.client.send(request).await {
                Ok(response) => response,
                Err(error) => return Err(self.keep(Failure::NoAnswer(error))),
            };
            let status = response.status().as_u16();
            if status == 200 {
                let body = match response.bytes(LIMIT).await {
                    Ok(body) => body,
                    Err(error) => return Err(self.keep(Failure::NoAnswer(error))),
                };
                let body = match self.0.metadata {
                    true => in_exact_form(&body),
                    false => body.to_vec(),
                };
                let ok = StatusCode::Ok;
                return Ok(AsyncRawResponse::from_bytes(ok, Headers::new(), body));
            }
            // The metadata service is being set up (404) or renewed (410).
            let resting = self.0.metadata && matches!(status, 404 | 410);
            if !resting || self.0.retry.attempts == 1 || pause > LONGEST_RESTING {
                return Err(self.keep(Failure::Refused(Refusal::read(response).await)));
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }

    fn keep(&self, failure: Failure) -> Error {
        *self.slot() = Some(failure);
        told_elsewhere()
    }
}

#[async_trait]
impl HttpClient for Transport {
    async fn execute_request(&self, request: &Asked) -> azure_core::Result<AsyncRawResponse> {
        self.send(request).await
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}

/// An error that the library neither repeats nor explains.
fn told_elsewhere() -> Error {
    Error::with_message(ErrorKind::Credential, "the transport knows")
}

/// A metadata answer as a virtual machine's service writes it. Anything else stays as it is, and
/// the library refuses it.
fn in_exact_form(body: &[u8]) -> Vec<u8> {
    let Ok(Value::Object(mut answer)) = serde_json::from_slice(body) else {
        return body.to_vec();
    };
    let end = match answer.get("expires_on") {
        Some(Value::Number(seconds)) => Some(seconds.to_string()),
        Some(Value::String(text)) if text.parse::<i64>().is_ok() => None,
        // The end of the Entra token decides nothing: the registry's own token has another.
        _ => Some("0".to_owned()),
    };
    if let Some(end) = end {
        answer.insert("expires_on".to_owned(), json!(end));
    }
    for member in ["resource", "token_type"] {
        answer.entry(member).or_insert_with(|| json!(""));
    }
    Value::Object(answer).to_string().into_bytes()
}

const TIMEOUT: Duration = Duration::from_secs(20);
const LIMIT: usize = 1 << 20;
/// First and longest pause for a metadata service that is not ready.
const RESTING: Duration = Duration::from_millis(500);
const LONGEST_RESTING: Duration = Duration::from_secs(4);

#[cfg(test)]
mod tests;
