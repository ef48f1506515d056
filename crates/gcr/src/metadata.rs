//! The metadata server of a Google machine (Compute Engine, GKE): plain http on the link-local
//! address, which `GCE_METADATA_HOST` replaces.
//!
//! The call is our own and not gcp_auth's, because a node makes it for each image. gcp_auth resolves
//! a fixed name and has no time-out, so a machine elsewhere hangs; it requests the project besides
//! the token, and reads every certificate of the machine for requests without TLS (measured: 1,243
//! system calls, 147 of them opening certificates, where this module needs 120 and none); and it
//! accepts any answer, another server's page and a token that expires in a second alike.

use std::path::Path;
use std::time::Duration;

use chrono::TimeDelta;
use regcred_cloud::{AccessToken, TokenCall, TokenResponse, firmware_holds};
use regcred_core::{ErrorKind, ProviderError};
use regcred_http::{Client, Request, Response, Retry, StatusCode};

use crate::ERRORS;
use crate::call::LIMIT;
use crate::settings::{CLOUD_PLATFORM, Cloud, METADATA_HOST};

/// A client of the metadata server.
pub(crate) struct Metadata<'a> {
    cloud: &'a Cloud,
    client: Client,
    /// Its name in messages.
    label: String,
    /// The call for the token of the machine's service account.
    asked: TokenCall,
    /// Whether the machine is known to have the server: only then is it worth waiting for.
    expected: bool,
}

impl<'a> Metadata<'a> {
    pub(crate) fn new(cloud: &'a Cloud) -> Result<Self, ProviderError> {
        let host = &cloud.settings.metadata_host;
        let product = Path::new(PRODUCT_NAME);
        let expected = !is_public(host)
            || GOOGLE_MACHINES
                .iter()
                .any(|name| firmware_holds(product, name));
        let connect = if expected {
            PATIENT_CONNECT
        } else {
            SHORT_CONNECT
        };
        let label = format!("the metadata server {host}");
        Ok(Self {
            cloud,
            client: cloud.link(connect)?,
            asked: ERRORS.token_call(IDENTITY, &label),
            label,
            expected,
        })
    }

    /// The text of an entry, without blanks around it. `None` if the entry does not exist.
    pub(crate) async fn text(&self, path: &str) -> Result<Option<String>, ProviderError> {
        let Some(response) = self.get(path).await? else {
            return Ok(None);
        };
        let text = response.text(LIMIT).await.map_err(|error| {
            ERRORS.call_failed(format!("cannot read {path} of {}", self.label), error)
        })?;
        Ok(Some(text.trim().to_owned()))
    }

    /// The text of an entry that must exist.
    pub(crate) async fn required(&self, path: &str) -> Result<String, ProviderError> {
        let text = self.text(path).await?.filter(|text| !text.is_empty());
        text.ok_or_else(|| ERRORS.misconfigured(format!("{} has no {path}", self.label)))
    }

    /// A token that is worth using.
    pub(crate) async fn token(&self, scopes: &str) -> Result<AccessToken, ProviderError> {
        let mut token = self.fetch(scopes).await?;
        // The server keeps tokens and renews them in the background: one that is about to expire is
        // followed by a fresh one a moment later.
        if self.expires_within(&token, NEARLY_EXPIRED) {
            tokio::time::sleep(RENEWAL).await;
            token = self.fetch(scopes).await?;
            if self.expires_within(&token, USELESS) {
                let answer = format!(
                    "it keeps returning a token that expires in less than {} s",
                    USELESS.num_seconds()
                );
                return Err(self.asked.answered(ErrorKind::Unreachable, &answer));
            }
        }
        self.log_identity().await;
        Ok(token)
    }

    async fn fetch(&self, scopes: &str) -> Result<AccessToken, ProviderError> {
        // The server narrows a token where it can. The broadest scope is left out: the request is
        // then the one that every server knows.
        let path = if scopes == CLOUD_PLATFORM {
            TOKEN.to_owned()
        } else {
            format!("{TOKEN}?scopes={}", scopes.replace(' ', ","))
        };
        let response = self.get(&path).await.map_err(|error| {
            let error = error.reworded(|sentence| format!("no token for {IDENTITY}: {sentence}"));
            self.asked.named_in(error)
        })?;
        let Some(response) = response else {
            let answer = "it knows no service account (status 404)";
            let error = self.asked.answered(ErrorKind::IdentityUnavailable, answer);
            return Err(error.with_next_step("attach one to the machine".to_owned()));
        };
        let response = response.json::<TokenResponse>(LIMIT).await;
        let response = response.map_err(|error| self.asked.failed(error))?;
        let now = self.cloud.now();
        response.accept(&self.asked, now, TimeDelta::zero())
    }

    /// `None` for an entry that does not exist.
    async fn get(&self, path: &str) -> Result<Option<Response>, ProviderError> {
        let host = &self.cloud.settings.metadata_host;
        let retry = if self.expected { RETRY } else { Retry::none() };
        let request = Request::get(&format!("http://{host}/computeMetadata/v1/{path}"))
            .header("Metadata-Flavor", "Google")
            .timeout(TIMEOUT)
            .retry(retry);
        let response = self.client.send(request).await.map_err(|error| {
            let message = format!("{} does not respond", self.label);
            if self.expected {
                ERRORS.call_failed(message, error)
            } else {
                ERRORS.no_identity(message).with_source(error)
            }
        })?;
        // A server in distress may omit its header; that passes, so no other source is tried.
        let status = response.status();
        let distress = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
        let flavor = response.headers().get("metadata-flavor");
        if !distress && flavor.is_none_or(|flavor| flavor != "Google") {
            let message = format!(
                "the server at {host} (status {}) is not Google's metadata server",
                status.as_u16()
            );
            return Err(ERRORS
                .no_identity(message)
                .with_next_step(ELSEWHERE.to_owned()));
        }
        match status {
            StatusCode::OK => Ok(Some(response)),
            StatusCode::NOT_FOUND => Ok(None),
            _ => {
                let error = response.into_error("metadata request").await;
                let failed = ERRORS.call_failed(format!("{} refused {path}", self.label), error);
                let is_refused = failed.kind() == ErrorKind::Denied;
                Err(failed.with_next_step(is_refused.then(|| IF_REFUSED.to_owned())))
            }
        }
    }

    /// Logs what the node's identity may do. It costs two requests, so it is for people who look very
    /// closely: stock node configurations log at `--v=3` already.
    async fn log_identity(&self) {
        if !tracing::enabled!(tracing::Level::TRACE) {
            return;
        }
        let (email, scopes) = tokio::join!(self.text(EMAIL), self.text(SCOPES));
        if let (Ok(Some(email)), Ok(Some(scopes))) = (email, scopes) {
            tracing::info!(%email, "the metadata server's service account");
            if let Some(missing) = missing_scope(&scopes) {
                tracing::warn!(%email, "{missing}");
            }
        }
    }

    fn expires_within(&self, token: &AccessToken, time: TimeDelta) -> bool {
        let soon = self.cloud.now() + time;
        token.expires_at.is_some_and(|end| end < soon)
    }
}

/// Whether the host is the server's public address or name, which does not tell whether this machine
/// has it: one elsewhere must not wait for a name server that does not know Google's private names.
fn is_public(host: &str) -> bool {
    let host = host.strip_suffix(":80").unwrap_or(host);
    let host = host.strip_suffix('.').unwrap_or(host);
    host == METADATA_HOST || host.eq_ignore_ascii_case(METADATA_NAME)
}

/// What to do about a machine's access scopes, one on each line, if they allow no image pulls. They
/// bound a token of the metadata server whatever the service account's roles are.
fn missing_scope(scopes: &str) -> Option<String> {
    let scopes: Vec<&str> = scopes.split_whitespace().collect();
    let allows_pulls = |scope: &&str| USEFUL_SCOPES.iter().any(|useful| scope.starts_with(useful));
    (!scopes.iter().any(allows_pulls)).then(|| {
        format!(
            "the machine's access scopes ({}) allow no image pulls: give it storage-ro \
             (devstorage.read_only) or cloud-platform",
            scopes.join(" ")
        )
    })
}

/// Whose token it is, in errors.
const IDENTITY: &str = "the machine's service account";
const IF_REFUSED: &str = "allow the machine's workloads to ask it, or name a credentials file";
const ELSEWHERE: &str = "outside Google set GOOGLE_APPLICATION_CREDENTIALS to a credentials file";
const METADATA_NAME: &str = "metadata.google.internal";
const TOKEN: &str = "instance/service-accounts/default/token";
const EMAIL: &str = "instance/service-accounts/default/email";
const SCOPES: &str = "instance/service-accounts/default/scopes";
const USEFUL_SCOPES: [&str; 2] = [
    "https://www.googleapis.com/auth/devstorage",
    "https://www.googleapis.com/auth/cloud-platform",
];
/// The file that names the machine's maker.
const PRODUCT_NAME: &str = "/sys/class/dmi/id/product_name";
const GOOGLE_MACHINES: [&str; 2] = ["Google", "Google Compute Engine"];

/// Where nothing shows that the machine is Google's. The server answers within a millisecond.
const SHORT_CONNECT: Duration = Duration::from_secs(1);
const PATIENT_CONNECT: Duration = Duration::from_secs(3);
const TIMEOUT: Duration = Duration::from_secs(10);
const RETRY: Retry = Retry {
    attempts: 4,
    base: Duration::from_millis(200),
    cap: Duration::from_secs(2),
};

const NEARLY_EXPIRED: TimeDelta = TimeDelta::seconds(60);
const USELESS: TimeDelta = TimeDelta::seconds(10);
const RENEWAL: Duration = Duration::from_millis(300);

#[cfg(test)]
mod tests;
