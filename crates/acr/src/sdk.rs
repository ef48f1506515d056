//! azure_identity behind the seam: service principals, assertions, the metadata service of a
//! virtual machine, and the Azure CLI. Its transport and its process runner are ours.

use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Output};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use azure_core::cloud::CustomConfiguration;
use azure_core::credentials::{Secret, TokenCredential};
use azure_core::http::{ClientMethodOptions, ClientOptions, RetryOptions, Transport as Seam};
use azure_identity::{
    AzureCliCredential, AzureCliCredentialOptions, ClientAssertion, ClientAssertionCredential,
    ClientAssertionCredentialOptions, ClientSecretCredential, ClientSecretCredentialOptions,
    Executor, ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId,
};
use regcred_core::{ErrorKind, ProviderError};
use regcred_exec::{Exec, ExecError};
use secrecy::{ExposeSecret, SecretString};
use tracing::Dispatch;
use tracing::instrument::WithSubscriber as _;

use crate::cloud::Cloud;
use crate::failure::{NoToken, call_failed, failure, misconfigured};
use crate::managed_identity::ManagedId;
use crate::reach::Reach;
use crate::transport::{Failure, Transport};

/// An application in a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Application {
    pub(crate) tenant: String,
    pub(crate) client_id: String,
}

impl Application {
    /// An application whose names may stand in a URL.
    ///
    /// # Errors
    /// When one of them has other characters.
    pub(crate) fn new(tenant: &str, client_id: &str) -> Result<Self, ProviderError> {
        let sound = |id: &str| {
            !id.is_empty()
                && id
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
        };
        let (tenant, client_id) = (tenant.trim(), client_id.trim());
        for (what, id) in [("tenant", tenant), ("client", client_id)] {
            if !sound(id) {
                return Err(misconfigured(format!("the {what} id is no identifier")));
            }
        }
        Ok(Self {
            tenant: tenant.to_owned(),
            client_id: client_id.to_owned(),
        })
    }

    /// Tenant and client, for cache keys.
    pub(crate) fn stable_name(&self) -> String {
        format!("{}/{}", self.tenant, self.client_id)
    }

    /// Entra ID's token endpoint for it.
    pub(crate) fn token_url(&self, cloud: &Cloud) -> String {
        format!("{}/{}/oauth2/v2.0/token", cloud.authority, self.tenant)
    }
}

/// A token for a service principal that shows its secret.
pub(crate) async fn secret_token(
    reach: &Reach,
    cloud: &Cloud,
    application: &Application,
    secret: &SecretString,
    audience: &str,
    label: &str,
) -> Result<SecretString, NoToken> {
    let transport = Transport::entra(reach, &cloud.authority)?;
    let credential = ClientSecretCredential::new(
        &application.tenant,
        application.client_id.clone(),
        Secret::new(secret.expose_secret().to_owned()),
        Some(ClientSecretCredentialOptions {
            client_options: client_options(&transport),
        }),
    );
    let credential = credential.map_err(|_| unusable(label))?;
    match get(&*credential, audience).await {
        Some(token) => Ok(token),
        None => Err(refused_by_entra(&transport, label)),
    }
}

/// A token for an application that shows an assertion: a federated token, or one that its
/// certificate's key has signed. The library's own certificate credential needs OpenSSL and takes
/// PKCS#12 only, so [`crate::certificate`] makes that assertion.
pub(crate) async fn assertion_token(
    reach: &Reach,
    cloud: &Cloud,
    application: &Application,
    assertion: SecretString,
    audience: &str,
    label: &str,
) -> Result<SecretString, NoToken> {
    let transport = Transport::entra(reach, &cloud.authority)?;
    let credential = ClientAssertionCredential::new(
        application.tenant.clone(),
        application.client_id.clone(),
        Assertion(assertion),
        Some(ClientAssertionCredentialOptions {
            client_options: client_options(&transport),
        }),
    );
    let credential = credential.map_err(|_| unusable(label))?;
    match get(&*credential, audience).await {
        Some(token) => Ok(token),
        None => Err(refused_by_entra(&transport, label)),
    }
}

/// A token of a virtual machine's managed identity. `None` comes with what went wrong.
pub(crate) async fn metadata_token(
    transport: &Transport,
    id: &ManagedId,
    audience: &str,
) -> Option<SecretString> {
    let credential = ManagedIdentityCredential::new(Some(ManagedIdentityCredentialOptions {
        user_assigned_id: match id {
            ManagedId::System => None,
            ManagedId::Client(id) => Some(UserAssignedId::ClientId(id.clone())),
            ManagedId::Object(id) => Some(UserAssignedId::ObjectId(id.clone())),
            ManagedId::Resource(id) => Some(UserAssignedId::ResourceId(id.clone())),
        },
        client_options: client_options(transport),
    }));
    get(&*credential.ok()?, audience).await
}

/// A token for whoever is logged in with the Azure CLI.
pub(crate) async fn cli_token(
    reach: &Reach,
    tenant: Option<&str>,
    audience: &str,
) -> Result<SecretString, NoToken> {
    let runner = Arc::new(Runner {
        path: reach.env.get("PATH").unwrap_or_default().to_owned(),
        failure: Mutex::default(),
    });
    let executor: Arc<dyn Executor> = runner.clone();
    let credential = AzureCliCredential::new(Some(AzureCliCredentialOptions {
        tenant_id: tenant.map(str::to_owned),
        executor: Some(executor),
        ..AzureCliCredentialOptions::default()
    }));
    let credential = credential.map_err(|_| misconfigured("the tenant id is no identifier"))?;
    if let Some(token) = get(&*credential, audience).await {
        return Ok(token);
    }
    let failed = runner
        .failure
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    Err(match failed {
        Some(error) => {
            let error_text = error.to_string();
            let number = crate::aadsts::number(&error_text);
            let told = failure(
                ErrorKind::IdentityUnavailable,
                "az gave no token; az login renews its login",
            )
            .with_source(error);
            match number {
                Some(number) if crate::aadsts::is_unknown_audience(number) => {
                    NoToken::UnknownAudience(told)
                }
                _ => NoToken::Other(told),
            }
        }
        None => NoToken::Other(failure(
            ErrorKind::Malformed,
            "az printed no token with its end; it must be version 2.54 or newer",
        )),
    })
}

/// Asks without the library's log events, which may repeat answers; its error says nothing that
/// the transport does not know better.
async fn get(credential: &impl TokenCredential, audience: &str) -> Option<SecretString> {
    let scope = format!("{audience}/.default");
    let scopes = [scope.as_str()];
    let token = credential
        .get_token(&scopes, None)
        .with_subscriber(Dispatch::none())
        .await
        .ok()?;
    let token = token.token.secret();
    (!token.is_empty()).then(|| token.into())
}

fn client_options(transport: &Transport) -> ClientOptions {
    let mut cloud = CustomConfiguration::default();
    cloud.authority_host = transport.known_as().to_owned();
    ClientOptions {
        transport: Some(Seam::new(Arc::new(transport.clone()))),
        retry: RetryOptions::none(),
        cloud: Some(Arc::new(cloud.into())),
        ..ClientOptions::default()
    }
}

fn refused_by_entra(transport: &Transport, label: &str) -> NoToken {
    match transport.failure() {
        Some(Failure::Refused(refusal)) => {
            NoToken::refused(format!("Entra ID gave no token for {label}"), refusal)
        }
        Some(Failure::NoAnswer(error)) => {
            let message = format!("cannot get a token for {label} from Entra ID");
            NoToken::Other(call_failed(message, error))
        }
        None => NoToken::Other(failure(
            ErrorKind::Malformed,
            format!("Entra ID's answer for {label} holds no token"),
        )),
    }
}

fn unusable(label: &str) -> NoToken {
    NoToken::Other(misconfigured(format!(
        "{label} cannot be used for Entra ID"
    )))
}

/// An assertion that is there already.
struct Assertion(SecretString);

#[async_trait]
impl ClientAssertion for Assertion {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        Ok(self.0.expose_secret().to_owned())
    }
}

impl fmt::Debug for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Assertion")
    }
}

/// Runs the shell command in which the library calls `az`.
#[derive(Debug)]
struct Runner {
    path: String,
    failure: Mutex<Option<ExecError>>,
}

#[async_trait]
impl Executor for Runner {
    async fn run(&self, program: &OsStr, args: &[&OsStr]) -> io::Result<Output> {
        let exec = Exec::new(program)
            .args(args.iter().copied())
            .env("PATH", &self.path)
            .deadline(CLI_DEADLINE)
            .max_stdout(LONGEST_OUTPUT)
            .max_stderr(LONGEST_COMPLAINT);
        match exec.run().await {
            Ok(output) => Ok(Output {
                status: ExitStatus::from_raw(0),
                stdout: output.stdout.to_vec(),
                stderr: Vec::new(),
            }),
            Err(error) => {
                let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
                *failure = Some(error);
                Err(io::Error::other("az gave no token"))
            }
        }
    }
}

/// The Azure CLI takes seconds to start.
const CLI_DEADLINE: Duration = Duration::from_secs(25);
const LONGEST_OUTPUT: usize = 256 * 1024;
const LONGEST_COMPLAINT: usize = 600;

#[cfg(test)]
mod tests {
    use azure_core::credentials::AccessToken;
    use azure_core::time::OffsetDateTime;

    use super::*;

    #[test]
    fn the_librarys_feature_that_shows_secrets_is_off() {
        let token = AccessToken::new("canary".to_owned(), OffsetDateTime::UNIX_EPOCH);
        let secret = Secret::new("canary");
        let shown = format!("{token:?} {secret:?} {:?}", Assertion("canary".into()));
        assert!(!shown.contains("canary"), "{shown}");
    }

    #[test]
    fn identifiers_are_checked_before_they_stand_in_a_url() {
        let sound = Application::new(" contoso.onmicrosoft.com ", "c-1").expect("sound");
        assert_eq!(sound.tenant, "contoso.onmicrosoft.com");
        for (tenant, client) in [
            ("", "c"),
            ("t", ""),
            ("t/../u", "c"),
            ("t", "c?x"),
            ("é", "c"),
        ] {
            assert!(
                Application::new(tenant, client).is_err(),
                "{tenant} {client}"
            );
        }
    }
}
