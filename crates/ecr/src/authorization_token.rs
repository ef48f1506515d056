//! `GetAuthorizationToken` of ECR and of ECR Public.
//!
//! The SDK's outputs derive `Debug` over the token: each is taken apart at once and never
//! formatted.

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_types::DateTime as SdkTime;
use chrono::{DateTime, TimeDelta, Utc};
use regcred_core::Credentials;

use crate::api_failure::ApiFailure;
use crate::endpoint::{Endpoint, Service};
use crate::identity::Identity;
use crate::sdk::{Sdk, quiet, service_config};

/// A registry login and its end.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) login: Credentials,
    pub(crate) expires_at: Option<DateTime<Utc>>,
}

/// Asks the API that the endpoint belongs to.
pub(crate) async fn authorization_token(
    sdk: &Sdk,
    endpoint: &Endpoint,
    identity: &Identity,
) -> Result<Token, ApiFailure> {
    let keys = SharedCredentialsProvider::new(identity.credentials.clone());
    if endpoint.service == Service::EcrPublic {
        let config = service_config!(aws_sdk_ecrpublic, sdk, endpoint).credentials_provider(keys);
        let call = aws_sdk_ecrpublic::Client::from_conf(config.build())
            .get_authorization_token()
            .send();
        let output = quiet(call).await.map_err(|e| ApiFailure::from_sdk(&e))?;
        // ECR Public answers with one object where ECR has a list.
        let data = output
            .authorization_data
            .ok_or_else(|| ApiFailure::malformed(NO_DATA))?;
        return read(sdk, data.authorization_token.as_deref(), data.expires_at);
    }
    // No registry ids: one token opens every registry that the identity may read.
    let config = service_config!(aws_sdk_ecr, sdk, endpoint).credentials_provider(keys);
    let call = aws_sdk_ecr::Client::from_conf(config.build())
        .get_authorization_token()
        .send();
    let output = quiet(call).await.map_err(|e| ApiFailure::from_sdk(&e))?;
    let data = output
        .authorization_data
        .unwrap_or_default()
        .into_iter()
        .next()
        .ok_or_else(|| ApiFailure::malformed(NO_DATA))?;
    read(sdk, data.authorization_token.as_deref(), data.expires_at)
}

fn read(sdk: &Sdk, token: Option<&str>, expires: Option<SdkTime>) -> Result<Token, ApiFailure> {
    let token = token.ok_or_else(|| ApiFailure::malformed(NO_TOKEN))?;
    let login = Credentials::from_basic(token).ok_or_else(|| ApiFailure::malformed(BAD_TOKEN))?;
    // A wrong clock must not make a token live longer than ECR ever issues one.
    let latest = sdk.clock.now() + TimeDelta::hours(12);
    let expires_at = expires
        .and_then(|at| DateTime::from_timestamp(at.secs(), at.subsec_nanos()))
        .map(|at| at.min(latest));
    Ok(Token { login, expires_at })
}

/// Upstream's sentences.
const NO_DATA: &str = "authorization data was empty";
const NO_TOKEN: &str = "authorization token in response was nil";
const BAD_TOKEN: &str = "error parsing username and password from authorization token";
