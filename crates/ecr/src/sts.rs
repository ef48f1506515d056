//! Roles: `AssumeRoleWithWebIdentity` (unsigned) and `AssumeRole` (signed) at the region's STS.

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use secrecy::{ExposeSecret as _, SecretString};

use crate::endpoint::Endpoint;
use crate::failure::ApiFailure;
use crate::sdk::{Sdk, quiet, service_config};

/// STS of one region.
#[derive(Debug)]
pub(crate) struct Sts<'a> {
    pub(crate) sdk: &'a Sdk,
    pub(crate) endpoint: &'a Endpoint,
}

/// Why a role was not assumed.
#[derive(Debug, thiserror::Error)]
#[error("STS at {address}")]
pub(crate) struct StsFailure {
    address: String,
    source: ApiFailure,
}

impl StsFailure {
    /// What STS answered.
    pub(crate) fn failure(&self) -> &ApiFailure {
        &self.source
    }
}

impl Sts<'_> {
    /// Exchanges a token of an identity provider for a role. Needs no AWS credentials.
    pub(crate) async fn with_web_identity(
        &self,
        role: &str,
        session: &str,
        token: &SecretString,
    ) -> Result<Credentials, StsFailure> {
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
    ) -> Result<Credentials, StsFailure> {
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
        answer: Option<aws_sdk_sts::types::Credentials>,
    ) -> Result<Credentials, StsFailure> {
        let Some(answer) = answer else {
            return Err(self.failed(ApiFailure::malformed("the answer holds no credentials")));
        };
        Ok(Credentials::new(
            answer.access_key_id,
            answer.secret_access_key,
            Some(answer.session_token),
            None,
            "role",
        ))
    }

    fn failed(&self, source: ApiFailure) -> StsFailure {
        StsFailure {
            address: self.endpoint.address(),
            source,
        }
    }
}
