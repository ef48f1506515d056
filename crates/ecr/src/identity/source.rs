//! The sources of keys that need no profile. A profile may begin with one of them.

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};

use super::container::Container;
use super::metadata::Metadata;
use super::outcome::NoCredentials;
use super::process::Process;
use super::web_identity::WebIdentity;
use crate::endpoint::Endpoint;
use crate::sdk::Sdk;

/// One source with what was read of it.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Keys(Credentials),
    WebIdentity(WebIdentity),
    Process(Process),
    Container(Container),
    Metadata(Metadata),
}

impl Source {
    /// Whom the source stands for, without secrets and the same for each of its sessions.
    pub(super) fn stable_name(&self) -> String {
        match self {
            Self::Keys(keys) => format!("keys {}", keys.access_key_id()),
            Self::WebIdentity(token) => format!("web identity {}", token.stable_name()),
            Self::Process(process) => format!("process {}", process.0),
            Self::Container(agent) => format!("container {}", agent.stable_name()),
            Self::Metadata(service) => format!("metadata {}", service.stable_name()),
        }
    }

    /// Asks for the keys; STS at the endpoint given where a role needs it.
    pub(super) async fn credentials(
        &self,
        sdk: &Sdk,
        sts: &Endpoint,
    ) -> Result<Credentials, NoCredentials> {
        match self {
            Self::Keys(keys) => Ok(keys.clone()),
            Self::WebIdentity(token) => token.credentials(sdk, sts).await,
            Self::Process(process) => process.credentials().await,
            Self::Container(agent) => agent.credentials(&sdk.metadata).await,
            Self::Metadata(service) => service.credentials(sdk).await,
        }
    }
}

/// A source as the SDK's profile provider takes it.
#[derive(Debug)]
pub(super) struct Lent(Source, Sdk, Endpoint);

impl Lent {
    pub(super) fn new(source: &Source, sdk: &Sdk, sts: &Endpoint) -> Self {
        Self(source.clone(), sdk.clone(), sts.clone())
    }
}

impl ProvideCredentials for Lent {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let Self(source, sdk, sts) = self;
            source
                .credentials(sdk, sts)
                .await
                .map_err(|error| match error {
                    NoCredentials::Absent(reason) => CredentialsError::not_loaded(reason),
                    NoCredentials::Failed(error) => CredentialsError::provider_error(error),
                })
        })
    }
}
