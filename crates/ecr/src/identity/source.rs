//! The sources of keys that need no profile. A profile may begin with one of them.

use aws_credential_types::Credentials;

use super::container::Container;
use super::metadata::Metadata;
use super::no_credentials::NoCredentials;
use super::process::Process;
use super::web_identity::WebIdentity;
use crate::sts::Sts;

/// One source with what was read of it.
#[derive(Debug)]
pub(super) enum Source {
    Keys(Credentials),
    WebIdentity(WebIdentity),
    Process(Process),
    Container(Container),
    Metadata(Metadata),
}

impl Source {
    /// Whose keys these are, without secrets and the same for each of its sessions.
    pub(super) fn stable_name(&self) -> String {
        match self {
            Self::Keys(keys) => format!("keys {}", keys.access_key_id()),
            Self::WebIdentity(token) => format!("web identity {}", token.stable_name()),
            Self::Process(process) => format!("process {}", process.0),
            Self::Container(agent) => format!("container {}", agent.stable_name()),
            Self::Metadata(service) => format!("metadata {}", service.stable_name()),
        }
    }

    /// Asks for the keys; STS where a role needs it.
    pub(super) async fn credentials(&self, sts: &Sts<'_>) -> Result<Credentials, NoCredentials> {
        match self {
            Self::Keys(keys) => Ok(keys.clone()),
            Self::WebIdentity(token) => Ok(token.credentials(sts).await?),
            Self::Process(process) => process.credentials().await,
            Self::Container(agent) => agent.credentials(sts.cloud).await,
            Self::Metadata(service) => service.credentials(sts.cloud).await,
        }
    }
}
