//! Roles: `AssumeRoleWithWebIdentity` (unsigned) and `AssumeRole` (signed) at the region's STS.

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use regcred_core::Env;
use secrecy::{ExposeSecret as _, SecretString};

use crate::api_failure::ApiFailure;
use crate::endpoint::Endpoint;
use crate::sdk::{Sdk, quiet, service_config};

/// STS of one region.
#[derive(Debug)]
pub(crate) struct Sts<'a> {
    pub(crate) sdk: &'a Sdk,
    pub(crate) endpoint: &'a Endpoint,
}

impl Sts<'_> {
    /// Exchanges a token of an identity provider for a role. Needs no AWS credentials.
    pub(crate) async fn with_web_identity(
        &self,
        role: &str,
        session: &str,
        token: &SecretString,
    ) -> Result<Credentials, ApiFailure> {
        let config = service_config!(aws_sdk_sts, self.sdk, self.endpoint).build();
        let output = aws_sdk_sts::Client::from_conf(config)
            .assume_role_with_web_identity()
            .role_arn(role)
            .role_session_name(session)
            .web_identity_token(token.expose_secret())
            .send();
        let output = quiet(output)
            .await
            .map_err(|error| self.failed(ApiFailure::from_sdk(&error)))?;
        self.credentials(output.credentials)
    }

    /// Assumes a role with another identity.
    pub(crate) async fn with_credentials(
        &self,
        role: &str,
        session: &str,
        base: Credentials,
    ) -> Result<Credentials, ApiFailure> {
        let config = service_config!(aws_sdk_sts, self.sdk, self.endpoint)
            .credentials_provider(SharedCredentialsProvider::new(base))
            .build();
        let output = aws_sdk_sts::Client::from_conf(config)
            .assume_role()
            .role_arn(role)
            .role_session_name(session)
            .send();
        let output = quiet(output)
            .await
            .map_err(|error| self.failed(ApiFailure::from_sdk(&error)))?;
        self.credentials(output.credentials)
    }

    fn credentials(
        &self,
        issued: Option<aws_sdk_sts::types::Credentials>,
    ) -> Result<Credentials, ApiFailure> {
        let Some(issued) = issued else {
            return Err(self.failed(ApiFailure::malformed("the response holds no credentials")));
        };
        Ok(Credentials::new(
            issued.access_key_id,
            issued.secret_access_key,
            Some(issued.session_token),
            None,
            "role",
        ))
    }

    fn failed(&self, failure: ApiFailure) -> ApiFailure {
        failure.at(&format!("STS at {}", self.endpoint.address()))
    }
}

/// The name of role sessions other than pods', as CloudTrail shows it.
pub(crate) fn session_name(env: &Env) -> &str {
    env.get("AWS_ROLE_SESSION_NAME").unwrap_or(SESSION)
}

/// Upstream's session name.
pub(crate) const SESSION: &str = "ecr-credential-provider";
