//! A role for a token of an identity provider: IAM roles for service accounts, or any OIDC
//! provider.

use aws_credential_types::Credentials;
use regcred_cloud::SecretPlace;
use regcred_core::{Env, ErrorKind, ProviderError};
use secrecy::SecretString;

use super::no_credentials::NoCredentials;
use crate::ERRORS;
use crate::jwt_subject::stable_name;
use crate::sts::{RoleSession, Sts, session_name};

/// The token and the role that it is exchanged for.
#[derive(Clone, Debug)]
pub(crate) struct WebIdentity {
    /// What messages call the token.
    pub(crate) name: String,
    pub(crate) token: SecretString,
    pub(crate) session: RoleSession,
}

impl WebIdentity {
    /// The token and the role that the environment names.
    pub(super) fn of(env: &Env) -> Result<Self, NoCredentials> {
        let Some(file) = env.get(FILE) else {
            return Err(NoCredentials::Absent(format!("{FILE} is not set")));
        };
        let Some(role) = env.get(ROLE) else {
            let text = format!("{FILE} is set but {ROLE} is not");
            let kind = ErrorKind::NotConfigured;
            return Err(NoCredentials::failed(&named(file), kind, text));
        };
        Ok(Self::read(file, role, session_name(env))?)
    }

    /// Reads the token.
    pub(super) fn read(file: &str, role: &str, session: &str) -> Result<Self, ProviderError> {
        Ok(Self {
            name: named(file),
            token: SecretPlace::File(file.into()).read(ERRORS, "the web identity token")?,
            session: RoleSession {
                role: role.to_owned(),
                name: session.to_owned(),
            },
        })
    }

    /// The role, and whom the token was issued to: two jobs on one machine may find different
    /// tokens under the same path.
    pub(crate) fn stable_name(&self) -> String {
        format!("{} {}", self.session.role, stable_name(&self.token))
    }

    pub(super) async fn credentials(&self, sts: &Sts<'_>) -> Result<Credentials, ProviderError> {
        sts.with_web_identity(&self.session, &self.token, &self.name)
            .await
    }
}

fn named(file: &str) -> String {
    format!("the web identity in {file}")
}

const FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";
const ROLE: &str = "AWS_ROLE_ARN";
