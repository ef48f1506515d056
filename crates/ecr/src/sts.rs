//! Roles: `AssumeRoleWithWebIdentity` (unsigned) and `AssumeRole` (signed) at the region's STS.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_sts::Client;
use aws_sdk_sts::config::Builder;
use regcred_cloud::TokenCall;
use regcred_core::{Env, ErrorKind, ProviderError};
use secrecy::{ExposeSecret as _, SecretString};

use crate::ERRORS;
use crate::api_failure::{ApiFailure, RetryTooManyRequests};
use crate::endpoint::Endpoint;
use crate::sdk::{LONGEST_CALL, config, quiet};
use crate::settings::Cloud;

/// STS of one region.
#[derive(Debug)]
pub(crate) struct Sts<'a> {
    pub(crate) cloud: &'a Cloud,
    pub(crate) endpoint: Endpoint,
}

/// A role and the name of its session, as CloudTrail shows it.
#[derive(Clone, Debug)]
pub(crate) struct RoleSession {
    pub(crate) role: String,
    pub(crate) name: String,
}

impl Sts<'_> {
    /// Exchanges a token of an identity provider for a role; `by` names the token. Needs no AWS
    /// credentials.
    pub(crate) async fn with_web_identity(
        &self,
        session: &RoleSession,
        token: &SecretString,
        by: &str,
    ) -> Result<Credentials, ProviderError> {
        let client = self.client(None, LONGEST_EXCHANGE)?;
        let asked = self.asked(session, by);
        let call = client
            .assume_role_with_web_identity()
            .role_arn(&session.role)
            .role_session_name(&session.name)
            .web_identity_token(token.expose_secret())
            .send();
        let output = quiet(call).await.map_err(|e| ApiFailure::from_sdk(&e));
        let keys = self.keys(output.map(|output| output.credentials), session, by);
        keys.map_err(|error| asked.named_in(error))
    }

    /// Assumes a role with another identity; `by` names it.
    pub(crate) async fn with_credentials(
        &self,
        session: &RoleSession,
        base: Credentials,
        by: &str,
    ) -> Result<Credentials, ProviderError> {
        let client = self.client(Some(base), LONGEST_CALL)?;
        let asked = self.asked(session, by);
        let call = client
            .assume_role()
            .role_arn(&session.role)
            .role_session_name(&session.name)
            .send();
        let output = quiet(call).await.map_err(|e| ApiFailure::from_sdk(&e));
        let keys = self.keys(output.map(|output| output.credentials), session, by);
        keys.map_err(|error| asked.named_in(error))
    }

    fn asked(&self, RoleSession { role, .. }: &RoleSession, by: &str) -> TokenCall {
        ERRORS.token_call(format!("the role {role} by {by}"), self.name())
    }

    /// What messages call it.
    pub(crate) fn name(&self) -> String {
        format!("STS at {}", self.endpoint.address())
    }

    fn client(
        &self,
        keys: Option<Credentials>,
        longest: Duration,
    ) -> Result<Client, ProviderError> {
        let config = config(self.cloud, &self.endpoint, keys, longest)?;
        let config = Builder::from(&config).retry_classifier(RetryTooManyRequests);
        Ok(Client::from_conf(config.build()))
    }

    fn keys(
        &self,
        issued: Result<Option<aws_sdk_sts::types::Credentials>, ApiFailure>,
        RoleSession { role, .. }: &RoleSession,
        by: &str,
    ) -> Result<Credentials, ProviderError> {
        let malformed = || ApiFailure::malformed("the response has no credentials");
        let issued = issued.and_then(|issued| issued.ok_or_else(malformed));
        let issued = issued.map_err(|failure| {
            let refused = failure.kind == ErrorKind::Denied;
            let usual = refused.then_some("check the role's trust policy and that the role exists");
            let sts = self.name();
            let text = format!("failed to assume role: {role} with {by}, by {sts}");
            failure.into_error(text, usual)
        })?;
        Ok(Credentials::new(
            issued.access_key_id,
            issued.secret_access_key,
            Some(issued.session_token),
            None,
            "role",
        ))
    }
}

/// The name of role sessions other than pods'.
pub(crate) fn session_name(env: &Env) -> &str {
    env.get("AWS_ROLE_SESSION_NAME").unwrap_or(SESSION)
}

/// Upstream's session name.
pub(crate) const SESSION: &str = "ecr-credential-provider";
/// For a source of an identity, after which there is the call of the API.
const LONGEST_EXCHANGE: Duration = Duration::from_secs(20);
