//! A role for a token in a file: IAM roles for service accounts, or any OIDC provider.

use aws_credential_types::Credentials;
use regcred_core::{Env, ErrorKind};
use secrecy::SecretString;

use super::outcome::NoCredentials;
use crate::endpoint::Endpoint;
use crate::jwt_subject::stable_name;
use crate::sdk::Sdk;
use crate::sts::{Sts, session_name};
use crate::token_file::read_token;

/// The token and the role that it is exchanged for.
#[derive(Clone, Debug)]
pub(super) struct WebIdentity {
    file: String,
    token: SecretString,
    role: String,
    session: String,
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
            return Err(NoCredentials::failed(named(file), kind, text));
        };
        Self::read(file, role, session_name(env))
    }

    /// Reads the token.
    pub(super) fn read(file: &str, role: &str, session: &str) -> Result<Self, NoCredentials> {
        let token = read_token(file).map_err(|error| {
            let text = format!("cannot read the file: {error}");
            NoCredentials::failed(named(file), ErrorKind::NotConfigured, text)
        })?;
        Ok(Self {
            file: file.to_owned(),
            token,
            role: role.to_owned(),
            session: session.to_owned(),
        })
    }

    /// The role, and whom the token was issued to: two jobs on one machine may find different
    /// tokens under the same path.
    pub(super) fn stable_name(&self) -> String {
        format!("{} {}", self.role, stable_name(&self.token))
    }

    pub(super) async fn credentials(
        &self,
        sdk: &Sdk,
        endpoint: &Endpoint,
    ) -> Result<Credentials, NoCredentials> {
        let sts = Sts { sdk, endpoint };
        let asked = sts.with_web_identity(&self.role, &self.session, &self.token);
        asked
            .await
            .map_err(|error| NoCredentials::failed(named(&self.file), error.kind(), error))
    }
}

fn named(file: &str) -> String {
    format!("the web identity in {file}")
}

const FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";
const ROLE: &str = "AWS_ROLE_ARN";
