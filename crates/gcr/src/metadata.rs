//! The metadata server of a Google machine (Compute Engine, GKE): plain http on the link-local
//! address, which `GCE_METADATA_HOST` replaces.
//!
//! The call is our own and not gcp_auth's, because this is what a node does for each image.
//! gcp_auth resolves a fixed name and knows no time-out, so a machine elsewhere hangs; it asks for
//! the project on top of the token, and reads every certificate of the machine for requests without
//! TLS (measured: 1,243 system calls, 147 of them opening certificates, where this module needs 120
//! and none); and it takes any answer, a stranger's page and a token that ends in a second alike.

use std::time::Duration;

use async_trait::async_trait;
use regcred_core::{ErrorKind, ProviderError};
use regcred_http::{Client, Request, Response, Retry, StatusCode};

use crate::endpoints::METADATA_HOST;
use crate::failure::{call_failed, failure};
use crate::reach::Reach;
use crate::settings::CLOUD_PLATFORM;
use crate::token::{AccessToken, TokenAnswer, TokenSource};

/// A client of the metadata server.
pub(crate) struct Metadata {
    reach: Reach,
    client: Client,
    host: String,
    /// Whether the machine is known to have the server: only then is it worth waiting for.
    expected: bool,
}

impl Metadata {
    pub(crate) fn new(reach: &Reach) -> Result<Self, ProviderError> {
        let endpoints = &reach.settings.endpoints;
        let host = endpoints.metadata_host.clone();
        let expected = !is_everywhere(&host)
            || std::fs::read_to_string(&endpoints.product_name)
                .is_ok_and(|name| GOOGLE_MACHINES.contains(&name.trim()));
        let connect = if expected {
            PATIENT_CONNECT
        } else {
            SHORT_CONNECT
        };
        Ok(Self {
            reach: reach.clone(),
            client: reach.link(connect)?,
            host,
            expected,
        })
    }

    /// The text of an entry, without blanks around it. `None` if there is no such entry.
    pub(crate) async fn text(&self, path: &str) -> Result<Option<String>, ProviderError> {
        let Some(response) = self.get(path).await? else {
            return Ok(None);
        };
        let text = response
            .text(LIMIT)
            .await
            .map_err(|e| call_failed(format!("cannot read {path} of {}", self.label()), e))?;
        Ok(Some(text.trim().to_owned()))
    }

    /// The text of an entry that must be there.
    pub(crate) async fn required(&self, path: &str) -> Result<String, ProviderError> {
        self.text(path)
            .await?
            .filter(|text| !text.is_empty())
            .ok_or_else(|| {
                failure(
                    ErrorKind::NotConfigured,
                    format!("{} has no {path}", self.label()),
                )
            })
    }

    fn label(&self) -> String {
        format!("the metadata server {}", self.host)
    }

    /// `None` for an entry that does not exist.
    async fn get(&self, path: &str) -> Result<Option<Response>, ProviderError> {
        let retry = if self.expected { RETRY } else { Retry::none() };
        let request = Request::get(&format!("http://{}/computeMetadata/v1/{path}", self.host))
            .header("Metadata-Flavor", "Google")
            .timeout(TIMEOUT)
            .retry(retry);
        let response = match self.client.send(request).await {
            Ok(response) => response,
            Err(error) if self.expected => {
                return Err(call_failed(
                    format!("{} does not answer", self.label()),
                    error,
                ));
            }
            Err(error) => {
                return Err(failure(
                    ErrorKind::IdentityUnavailable,
                    format!("{} does not answer", self.label()),
                )
                .with_source(error));
            }
        };
        // A server in distress may forget who it is; that passes, and is no reason to look elsewhere.
        let status = response.status();
        let distress = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
        let flavor = response.headers().get("metadata-flavor");
        if !distress && flavor.is_none_or(|flavor| flavor != "Google") {
            return Err(failure(
                ErrorKind::IdentityUnavailable,
                format!(
                    "what answers at {} (status {}) is not Google's metadata server",
                    self.host,
                    status.as_u16()
                ),
            ));
        }
        match status {
            StatusCode::OK => Ok(Some(response)),
            StatusCode::NOT_FOUND => Ok(None),
            _ => {
                let error = response.into_error("metadata request").await;
                Err(call_failed(
                    format!("{} refused {path}", self.label()),
                    error,
                ))
            }
        }
    }

    async fn fetch(&self, scopes: &[String]) -> Result<AccessToken, ProviderError> {
        // The server narrows a token where it can. The broadest scope is left out: the request is
        // then the one that every server knows.
        let path = if scopes == [CLOUD_PLATFORM] {
            TOKEN.to_owned()
        } else {
            format!("{TOKEN}?scopes={}", scopes.join(","))
        };
        let Some(response) = self.get(&path).await? else {
            return Err(failure(
                ErrorKind::IdentityUnavailable,
                format!(
                    "{} knows no service account (status 404): attach one to the machine",
                    self.label()
                ),
            ));
        };
        let answer: TokenAnswer = response
            .json(LIMIT)
            .await
            .map_err(|e| call_failed(format!("cannot read the token of {}", self.label()), e))?;
        answer.accept(self.reach.now(), &self.label())
    }

    /// Says in the log what the node's identity may do. It costs two requests, so it is for people
    /// who look very closely: stock node configurations log at `--v=3` already.
    async fn explain(&self) {
        if !tracing::enabled!(tracing::Level::TRACE) {
            return;
        }
        let (email, scopes) = tokio::join!(self.text(EMAIL), self.text(SCOPES));
        let (Ok(Some(email)), Ok(Some(scopes))) = (email, scopes) else {
            return;
        };
        tracing::info!(%email, "the metadata server's service account");
        if let Some(missing) = missing_scope(&scopes) {
            tracing::warn!(%email, "{missing}");
        }
    }

    fn remaining(&self, token: &AccessToken) -> Duration {
        (token.expires_at - self.reach.now())
            .to_std()
            .unwrap_or_default()
    }
}

#[async_trait]
impl TokenSource for Metadata {
    async fn token(&self, scopes: &[String]) -> Result<AccessToken, ProviderError> {
        let mut token = self.fetch(scopes).await?;
        // The server keeps tokens and renews them in the background: a dying one is followed by a
        // fresh one a moment later.
        if self.remaining(&token) < NEARLY_OVER {
            tokio::time::sleep(RENEWAL).await;
            token = self.fetch(scopes).await?;
            if self.remaining(&token) < USELESS {
                return Err(failure(
                    ErrorKind::Unreachable,
                    format!(
                        "{} keeps giving a token that ends in less than {} s",
                        self.label(),
                        USELESS.as_secs()
                    ),
                ));
            }
        }
        self.explain().await;
        Ok(token)
    }
}

/// Whether the host is the server's public address or name, which says nothing about this machine:
/// one elsewhere must not wait for a name server that knows nothing of Google's private names.
fn is_everywhere(host: &str) -> bool {
    let host = host.strip_suffix(":80").unwrap_or(host);
    let host = host.strip_suffix('.').unwrap_or(host);
    host == METADATA_HOST || host.eq_ignore_ascii_case(METADATA_NAME)
}

/// What to do about a machine's access scopes, one in a line, if they allow no image pulls. They
/// bound a token of the metadata server whatever the service account's roles are.
fn missing_scope(scopes: &str) -> Option<String> {
    let useful = |scope: &str| {
        let name = scope.strip_prefix("https://www.googleapis.com/auth/");
        name.is_some_and(|name| {
            name.starts_with("devstorage") || name.starts_with("cloud-platform")
        })
    };
    let scopes: Vec<&str> = scopes.split_whitespace().collect();
    (!scopes.iter().any(|scope| useful(scope))).then(|| {
        format!(
            "the machine's access scopes ({}) allow no image pulls: give it devstorage.read_only \
             or cloud-platform",
            scopes.join(" ")
        )
    })
}

const METADATA_NAME: &str = "metadata.google.internal";
const TOKEN: &str = "instance/service-accounts/default/token";
const EMAIL: &str = "instance/service-accounts/default/email";
const SCOPES: &str = "instance/service-accounts/default/scopes";
const GOOGLE_MACHINES: [&str; 2] = ["Google", "Google Compute Engine"];

/// Where nothing says that the machine is Google's. The server answers within a millisecond.
const SHORT_CONNECT: Duration = Duration::from_secs(1);
const PATIENT_CONNECT: Duration = Duration::from_secs(3);
const TIMEOUT: Duration = Duration::from_secs(10);
const RETRY: Retry = Retry {
    attempts: 4,
    base: Duration::from_millis(200),
    cap: Duration::from_secs(2),
};
const LIMIT: usize = 1 << 20;

const NEARLY_OVER: Duration = Duration::from_secs(60);
const USELESS: Duration = Duration::from_secs(10);
const RENEWAL: Duration = Duration::from_millis(300);

#[cfg(test)]
mod tests;
