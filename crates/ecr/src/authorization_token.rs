//! `GetAuthorizationToken` of ECR and of ECR Public.
//!
//! The SDK's outputs derive `Debug` over the token: each is taken apart at once and never
//! formatted.

use aws_config::SdkConfig;
use aws_sdk_ecr::config::Builder as EcrConfig;
use aws_sdk_ecrpublic::config::Builder as PublicConfig;
use aws_smithy_types::DateTime as SdkTime;
use chrono::{DateTime, TimeDelta, Utc};
use regcred_core::Credentials;

use crate::api_failure::{ApiFailure, RetryTooManyRequests};
use crate::sdk::quiet;

/// A registry login and its expiry.
type Login = (Credentials, Option<DateTime<Utc>>);

/// Asks ECR.
pub(crate) async fn private(config: &SdkConfig, now: DateTime<Utc>) -> Result<Login, ApiFailure> {
    let config = EcrConfig::from(config).retry_classifier(RetryTooManyRequests);
    // No registry ids: one token opens every registry that the identity may read.
    let call = aws_sdk_ecr::Client::from_conf(config.build())
        .get_authorization_token()
        .send();
    let output = quiet(call).await.map_err(|e| ApiFailure::from_sdk(&e))?;
    let data = output.authorization_data.unwrap_or_default();
    let data = data.into_iter().next();
    let data = data.ok_or_else(|| ApiFailure::malformed(NO_DATA))?;
    read(now, data.authorization_token.as_deref(), data.expires_at)
}

/// Asks ECR Public, which returns one object where ECR has a list.
pub(crate) async fn public(config: &SdkConfig, now: DateTime<Utc>) -> Result<Login, ApiFailure> {
    let config = PublicConfig::from(config).retry_classifier(RetryTooManyRequests);
    let call = aws_sdk_ecrpublic::Client::from_conf(config.build())
        .get_authorization_token()
        .send();
    let output = quiet(call).await.map_err(|e| ApiFailure::from_sdk(&e))?;
    let data = output.authorization_data;
    let data = data.ok_or_else(|| ApiFailure::malformed(NO_DATA))?;
    read(now, data.authorization_token.as_deref(), data.expires_at)
}

fn read(
    now: DateTime<Utc>,
    token: Option<&str>,
    expires: Option<SdkTime>,
) -> Result<Login, ApiFailure> {
    let token = token.ok_or_else(|| ApiFailure::malformed(NO_TOKEN))?;
    let login = Credentials::from_basic(token).ok_or_else(|| ApiFailure::malformed(BAD_TOKEN))?;
    // A wrong clock must not make a token live longer than ECR ever issues one.
    let latest = now + TimeDelta::hours(12);
    let expires_at = expires
        .and_then(|at| DateTime::from_timestamp(at.secs(), at.subsec_nanos()))
        .map(|at| at.min(latest));
    Ok((login, expires_at))
}

/// Upstream's sentences.
const NO_DATA: &str = "authorization data was empty";
const NO_TOKEN: &str = "authorization token in response was nil";
const BAD_TOKEN: &str = "error parsing username and password from authorization token";
