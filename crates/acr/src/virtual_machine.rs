//! The metadata service of a virtual machine, through azure_identity.

use std::time::Duration;

use azure_identity::{ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId};
use regcred_cloud::TokenCall;
use regcred_core::ErrorKind;
use regcred_http::{HttpError, Retry};
use secrecy::SecretString;

use crate::entra_token::{TokenError, TokenRequest};
use crate::machine::{CONNECT, METADATA, RETRY};
use crate::managed_id::ManagedId;
use crate::transport::Transport;
use crate::{ERRORS, aadsts, sdk, vars};

/// A token of a virtual machine's managed identity.
pub(crate) async fn token(
    request: &TokenRequest<'_>,
    id: &ManagedId,
) -> Result<SecretString, TokenError> {
    let settings = &request.cloud.settings;
    let (connect, retry) = if settings.imds != METADATA || settings.machine.is_azure() {
        (CONNECT, RETRY)
    } else {
        (SHORT_CONNECT, Retry::none())
    };
    let transport = Transport::metadata(request.cloud, connect, retry)?;
    let credential = ManagedIdentityCredential::new(Some(ManagedIdentityCredentialOptions {
        user_assigned_id: match id {
            ManagedId::System => None,
            ManagedId::Client(id) => Some(UserAssignedId::ClientId(id.clone())),
            ManagedId::Object(id) => Some(UserAssignedId::ObjectId(id.clone())),
            ManagedId::Resource(id) => Some(UserAssignedId::ResourceId(id.clone())),
        },
        client_options: sdk::options(transport),
    }));
    // The library knows Service Fabric, whose endpoint it does not use, by its variables, and its error
    // names it.
    let credential = credential.map_err(|error| {
        let message = "this place's managed identity cannot be used";
        let failed = ERRORS.no_identity(message).with_source(error);
        failed.with_next_step(elsewhere())
    })?;
    let place = format!("the metadata service {}", settings.imds);
    let asked = ERRORS.token_call(id.label(), place);
    let token = sdk::token(&*credential, request.audience).await;
    token.map_err(|cause| match cause {
        Some(error) => failed(&asked, id, error),
        None => TokenError::of(&asked, None),
    })
}

/// The metadata service's own refusals, and those that it passes on from Entra ID.
fn failed(asked: &TokenCall, id: &ManagedId, error: HttpError) -> TokenError {
    if error.is_unanswered() {
        return asked.no_server(error).with_next_step(elsewhere()).into();
    }
    let status = error.status().map(|status| status.as_u16());
    let is_own = error.message().and_then(aadsts::number).is_none();
    match status {
        Some(400) if is_own => {
            let (answer, step) = match id {
                ManagedId::System => (
                    "this machine has no system-assigned identity, or several user-assigned ones"
                        .to_owned(),
                    format!("assign it, or name one ({})", vars::MANAGED_IDENTITY),
                ),
                id => (
                    format!("{} is not assigned to this machine", id.label()),
                    "assign it, or correct its name".to_owned(),
                ),
            };
            asked
                .answered(ErrorKind::IdentityUnavailable, &answer)
                .with_source(error)
                .with_next_step(step)
                .into()
        }
        // Perhaps another cloud's server, or a filter's.
        Some(401 | 403 | 404 | 405) if is_own => {
            asked.failed(error).with_next_step(elsewhere()).into()
        }
        _ => TokenError::failed(asked, error),
    }
}

fn elsewhere() -> String {
    format!(
        "outside a virtual machine of Azure name another identity, such as {} with {}, or log in \
         with az",
        vars::CLIENT_ID,
        vars::FEDERATED_TOKEN_FILE
    )
}

/// Where nothing shows that the machine is Azure's.
const SHORT_CONNECT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
