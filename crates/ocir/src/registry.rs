//! The registry's token endpoint, `GET /20180419/docker/token`, and a first try of its token.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use regcred_cloud::{AccessToken, TokenCall, TokenResponse};
use regcred_core::{CredentialRequest, ErrorKind, ImageRef, ProviderError};
use regcred_http::{Request, StatusCode, Url, secure_url};

use crate::hosts::is_region_id;
use crate::session::Session;
use crate::settings::Cloud;
use crate::{ERRORS, signed_call, vars};

/// Asks the registry for a token that serves all repositories the principal may read.
pub(crate) async fn token(
    cloud: &Cloud,
    session: &Session,
    request: &CredentialRequest,
    who: &str,
) -> Result<AccessToken, ProviderError> {
    let url = url(cloud, request, &cloud.settings.token_path)?;
    let signed = session.signer.get(&url, cloud.now());
    let region = cloud.settings.hosts.region(&request.registry);
    let region = region.filter(|region| is_region_id(region));
    let asked = ERRORS
        .token_call(who, format!("the registry {}", request.registry))
        .if_refused(
            "allow the principal by a policy, and use a registry of its own region and realm",
        );
    let advice = |status: StatusCode| {
        let region = region.filter(|_| matches!(status.as_u16(), 401 | 403 | 404));
        region.map(|region| {
            format!(
                "the registry is in {region}: if the principal is of another region or realm, use a \
                 registry of its own"
            )
        })
    };
    let response = signed_call::send(cloud, &cloud.web()?, signed, &asked, advice).await?;
    accept(
        signed_call::read(response, &asked).await?,
        cloud.now(),
        &asked,
    )
}

fn accept(
    response: TokenResponse,
    now: DateTime<Utc>,
    asked: &TokenCall,
) -> Result<AccessToken, ProviderError> {
    let mut token = response.accept(asked, now, TimeDelta::zero())?;
    token.expires_at = token.expires_at.map(|end| end.min(now + LONGEST_LIFE));
    Ok(token)
}

/// Whether the registry refuses the token for the requested repository. The rights of a token seem
/// to be fixed when it is made, so one that was made before its policy stays useless and must not be
/// kept. Only a clear refusal counts.
pub(crate) async fn is_refused(
    cloud: &Cloud,
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
        cloud,
        request,
        &format!("/v2/{}/manifests/{tag}", image.path()),
    )?;
    let asked = Request::get(url.as_str())
        .header("Accept", MANIFESTS)
        .bearer(&token.secret)
        .timeout(TRY);
    match cloud.web()?.send(asked).await {
        Ok(response) => Ok(matches!(response.status().as_u16(), 401 | 403)),
        Err(error) => {
            tracing::debug!("the token could not be tried: {error}");
            Ok(false)
        }
    }
}

fn url(cloud: &Cloud, request: &CredentialRequest, path: &str) -> Result<Url, ProviderError> {
    let settings = &cloud.settings;
    let registry = &request.registry;
    let base = settings.token_base.clone().unwrap_or_else(|| {
        let scheme = if settings.plain_http { "http" } else { "https" };
        let host = registry.host();
        let host = if host.contains(':') {
            format!("[{host}]")
        } else {
            host.to_owned()
        };
        let port = registry.port().map(|port| format!(":{port}"));
        format!("{scheme}://{host}{}", port.unwrap_or_default())
    });
    secure_url(&format!("{base}{path}")).ok_or_else(|| {
        ERRORS.misconfigured(format!(
            "{}=http is for registries on this machine only, and {registry} is not",
            vars::PROTOCOL
        ))
    })
}

/// The warning for a fresh token that the registry refuses.
pub(crate) fn unauthorised(request: &CredentialRequest, who: &str) -> String {
    format!(
        "{} refuses the fresh token of {who} for {}: allow it by a policy such as \"Allow ... to read \
         repos in compartment ...\", and compare the namespace in the image's name; the token is \
         not kept",
        request.registry, request.image
    )
}

/// Whether the signature or its token was not accepted.
pub(crate) fn is_not_authenticated(error: &ProviderError) -> bool {
    error.kind() == ErrorKind::Denied
}

const TRY: Duration = Duration::from_secs(5);
/// A registry token lives for an hour.
const LONGEST_LIFE: TimeDelta = TimeDelta::days(1);
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, \
     application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, \
     application/vnd.docker.distribution.manifest.v2+json";

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn read(json: &str) -> Result<AccessToken, ProviderError> {
        let response = serde_json::from_str(json).expect("JSON");
        let asked = ERRORS.token_call("the instance principal", "phx.ocir.io");
        accept(response, DateTime::UNIX_EPOCH, &asked)
    }

    #[test]
    fn either_token_is_read_with_its_expiry() {
        // {"exp":1200}
        let jwt = "e30.eyJleHAiOjEyMDB9.c2ln";
        for (json, token, expiry) in [
            (
                r#"{"token":"t.k","access_token":"t.k","scope":"","expires_in":3600}"#.to_owned(),
                "t.k",
                Some(3600),
            ),
            (
                r#"{"token":null,"access_token":"a","expires_in":"60"}"#.to_owned(),
                "a",
                Some(60),
            ),
            (
                r#"{"token":"","access_token":"a","expires_in":59.9}"#.to_owned(),
                "a",
                Some(59),
            ),
            (format!(r#"{{"token":"{jwt}"}}"#), jwt, Some(1200)),
            (r#"{"token":"opaque"}"#.to_owned(), "opaque", None),
            (
                r#"{"token":"t","expires_in":9000000}"#.to_owned(),
                "t",
                Some(86_400),
            ),
            // No date is so far away, so none is stated.
            (r#"{"token":"t","expires_in":1e300}"#.to_owned(), "t", None),
        ] {
            let issued = read(&json).expect(&json);
            assert_eq!(issued.secret.expose_secret(), token);
            let end = issued.expires_at.map(|end| end.timestamp());
            assert_eq!(end, expiry, "{json}");
        }
    }

    #[test]
    fn a_response_without_a_living_token_is_malformed() {
        for json in [
            "{}",
            r#"{"token":""}"#,
            r#"{"token":"a b","expires_in":3600}"#,
            r#"{"token":"t","expires_in":0}"#,
            r#"{"token":"t","expires_in":-5}"#,
            r#"{"token":"e30.eyJleHAiOjB9.c2ln"}"#,
        ] {
            let error = read(json).expect_err(json);
            assert_eq!(error.kind(), ErrorKind::Malformed, "{json}");
        }
    }
}
