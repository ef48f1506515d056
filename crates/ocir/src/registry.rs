//! The registry's token endpoint, `GET /20180419/docker/token`, and a first try of its token.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use regcred_cloud::AccessToken;
use regcred_core::{CredentialRequest, ErrorKind, ImageRef, ProviderError};
use regcred_http::{Request, StatusCode, Url, secure_url};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::call;
use crate::claims::Claims;
use crate::failure::{malformed, misconfigured};
use crate::hosts::is_region_id;
use crate::reach::Reach;
use crate::session::Session;
use crate::vars;

/// Asks the registry for a token that serves all repositories the principal may read.
pub(crate) async fn token(
    reach: &Reach,
    session: &Session,
    request: &CredentialRequest,
    who: &str,
) -> Result<AccessToken, ProviderError> {
    let url = url(reach, request, &reach.settings.token_path)?;
    let signed = session.signer.get(&url, reach.now());
    let registry = request.registry.as_written();
    let refusal = |status: StatusCode| {
        let mut what = format!("{registry} gives {who} no token");
        if let Some(region) = reach.settings.hosts.region(&request.registry)
            && matches!(status.as_u16(), 401 | 403 | 404)
            && is_region_id(&region)
        {
            what.push_str(&format!(
                "; the registry is in {region}: if the principal is of another region or realm, \
                 use a registry of its own"
            ));
        }
        what
    };
    let response = call::send(reach, &reach.web()?, signed, registry, refusal).await?;
    let answer: Answer = call::read(response, registry).await?;
    answer.accept(reach.now(), registry)
}

/// Whether the registry refuses the token for the repository that is asked for. The rights of a
/// token seem to be fixed when it is made, so one that was made before its policy stays useless,
/// and nobody should keep it. Anything but a clear refusal counts as none.
pub(crate) async fn is_refused(
    reach: &Reach,
    request: &CredentialRequest,
    token: &AccessToken,
) -> Result<bool, ProviderError> {
    if !request.image.contains('/') {
        return Ok(false);
    }
    let Ok(image) = ImageRef::parse(&request.image) else {
        return Ok(false);
    };
    let tag = image.digest().or(image.tag()).unwrap_or("latest");
    let url = url(
        reach,
        request,
        &format!("/v2/{}/manifests/{tag}", image.path()),
    )?;
    let asked = Request::get(url.as_str())
        .header("Accept", MANIFESTS)
        .bearer(&token.secret)
        .timeout(TRY);
    match reach.web()?.send(asked).await {
        Ok(response) => Ok(matches!(response.status().as_u16(), 401 | 403)),
        Err(error) => {
            tracing::debug!("the token could not be tried: {error}");
            Ok(false)
        }
    }
}

fn url(reach: &Reach, request: &CredentialRequest, path: &str) -> Result<Url, ProviderError> {
    let settings = &reach.settings;
    let registry = &request.registry;
    let base = settings.token_base.clone().unwrap_or_else(|| {
        let scheme = if settings.plain_http { "http" } else { "https" };
        let host = registry.host();
        let host = match host.contains(':') {
            true => format!("[{host}]"),
            false => host.to_owned(),
        };
        let port = registry.port().map(|port| format!(":{port}"));
        format!("{scheme}://{host}{}", port.unwrap_or_default())
    });
    secure_url(&format!("{base}{path}")).ok_or_else(|| {
        misconfigured(format!(
            "{}=http is for registries on this machine only, and {registry} is not",
            vars::PROTOCOL
        ))
    })
}

/// The endpoint's answer; `token` and `access_token` are the same.
#[derive(Deserialize)]
struct Answer {
    #[serde(default, deserialize_with = "secret")]
    token: SecretString,
    #[serde(default, deserialize_with = "secret")]
    access_token: SecretString,
    expires_in: Option<Value>,
}

impl Answer {
    fn accept(self, now: DateTime<Utc>, registry: &str) -> Result<AccessToken, ProviderError> {
        let token = match self.token.expose_secret().is_empty() {
            true => self.access_token,
            false => self.token,
        };
        let text = token.expose_secret();
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(malformed(format!("{registry} answered without a token")));
        }
        let said = self.expires_in.as_ref().and_then(|value| match value {
            Value::String(text) => text.trim().parse::<f64>().ok(),
            value => value.as_f64(),
        });
        #[expect(clippy::cast_possible_truncation, reason = "whole seconds will do")]
        let said = said.map(|seconds| seconds.clamp(-1.0, LONGEST_LIFE) as i64);
        let expires_at = match said {
            Some(seconds) => now + TimeDelta::seconds(seconds),
            None => Claims::of(text)
                .and_then(|claims| claims.expires_at())
                .unwrap_or(now + ASSUMED_LIFE),
        };
        if expires_at <= now {
            return Err(malformed(format!(
                "{registry} answered with a token that is over already; compare this machine's clock"
            )));
        }
        Ok(AccessToken {
            secret: token,
            expires_at,
        })
    }
}

/// Reads a string, or null, straight into its guarded form.
fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<SecretString, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    Ok(text.unwrap_or_default().into())
}

/// The sentence for a fresh token that the registry refuses.
pub(crate) fn unauthorised(request: &CredentialRequest, who: &str) -> String {
    format!(
        "{} refuses the fresh token of {who} for {}: give it a policy such as \"Allow ... to read \
         repos in compartment ...\", and compare the namespace in the image's name; the token is \
         not kept",
        request.registry, request.image
    )
}

/// Whether an error says that the signature or its token was not accepted.
pub(crate) fn is_not_authenticated(error: &ProviderError) -> bool {
    error.kind() == ErrorKind::Denied
}

const TRY: Duration = Duration::from_secs(5);
/// A day, in seconds; a registry token lives for an hour.
const LONGEST_LIFE: f64 = 86_400.0;
/// Where neither the answer nor the token says an end.
const ASSUMED_LIFE: TimeDelta = TimeDelta::minutes(30);
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, \
     application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, \
     application/vnd.docker.distribution.manifest.v2+json";

#[cfg(test)]
mod tests;
