//! Managed identities: what a machine or a hosting service of Azure is given.
//!
//! A virtual machine's metadata service is asked through azure_identity. The other services are
//! asked here, because the library finds them by the process's own environment, refuses resource
//! ids at App Service, and knows neither Arc nor Machine Learning nor Cloud Shell.

use std::path::Path;
use std::time::Duration;

use regcred_core::{ErrorKind, ProviderError};
use regcred_files::{MIB, read_secret};
use regcred_http::{Client, Request, Response, Retry, StatusCode, Url, is_link_local, is_loopback};
use secrecy::{ExposeSecret, SecretString};

use crate::failure::{NoToken, Refusal, call_failed, failure, misconfigured};
use crate::reach::Reach;
use crate::settings::METADATA;
use crate::token::TokenAnswer;
use crate::transport::{Failure, Transport};
use crate::{sdk, vars};

/// Which of a machine's identities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ManagedId {
    /// The machine's own; a service with one user-assigned identity may take that.
    System,
    /// By client id.
    Client(String),
    /// By object (principal) id.
    Object(String),
    /// By ARM resource id.
    Resource(String),
}

impl ManagedId {
    /// Reads the one text that people and azure.json give.
    pub(crate) fn named(text: &str) -> Self {
        let text = text.trim();
        if text.eq_ignore_ascii_case("system") {
            Self::System
        } else if let Some(id) = text.strip_prefix("object:") {
            Self::Object(id.trim().to_owned())
        } else if text.to_ascii_lowercase().contains("/subscriptions/") {
            Self::Resource(text.to_owned())
        } else {
            Self::Client(text.to_owned())
        }
    }

    /// For messages.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::System => "the machine's managed identity".to_owned(),
            Self::Client(id) => format!("the managed identity {id}"),
            Self::Object(id) => format!("the managed identity with object id {id}"),
            Self::Resource(id) => {
                let name = id.rsplit('/').next().unwrap_or_default();
                format!("the managed identity {name}")
            }
        }
    }

    /// For cache keys.
    pub(crate) fn stable_name(&self) -> String {
        match self {
            Self::System => "system".to_owned(),
            Self::Client(id) => format!("client {id}"),
            Self::Object(id) => format!("object {id}"),
            Self::Resource(id) => format!("resource {id}"),
        }
    }

    /// The query parameter, with this service's word for a resource id.
    fn query(&self, resource: &'static str) -> Option<(&'static str, &str)> {
        match self {
            Self::System => None,
            Self::Client(id) => Some(("client_id", id)),
            Self::Object(id) => Some(("object_id", id)),
            Self::Resource(id) => Some((resource, id)),
        }
    }
}

/// A token of a managed identity for the audience.
pub(crate) async fn token(
    reach: &Reach,
    id: &ManagedId,
    audience: &str,
) -> Result<SecretString, NoToken> {
    let Some(service) = Service::find(reach)? else {
        return virtual_machine(reach, id, audience).await;
    };
    let request = service.request(id, audience)?;
    let client = reach.link(PATIENT_CONNECT)?;
    let mut response = send(&client, request, service.name).await?;
    if service.challenges && response.status() == StatusCode::UNAUTHORIZED {
        let key = arc_key(&response, &reach.settings.machine.arc_tokens)?;
        let value: SecretString = format!("Basic {}", key.expose_secret()).into();
        let request = service
            .request(id, audience)?
            .secret_header("Authorization", &value);
        response = send(&client, request, service.name).await?;
    }
    if response.status() != StatusCode::OK {
        let message = format!("{} gave no token for {}", service.name, id.label());
        return Err(NoToken::refused(message, Refusal::read(response).await));
    }
    let answer: TokenAnswer = response
        .json(LIMIT)
        .await
        .map_err(|e| call_failed(format!("cannot read the token of {}", service.name), e))?;
    Ok(answer.accept(service.name)?)
}

/// Whether the environment or the machine says that there is a managed identity.
pub(crate) fn is_expected(reach: &Reach) -> bool {
    reach.settings.imds != METADATA
        || Service::find(reach).map_or(true, |service| service.is_some())
        || is_azure_machine(reach)
}

async fn virtual_machine(
    reach: &Reach,
    id: &ManagedId,
    audience: &str,
) -> Result<SecretString, NoToken> {
    let expected = is_expected(reach);
    let (connect, retry) = match expected {
        true => (PATIENT_CONNECT, RETRY),
        false => (SHORT_CONNECT, Retry::none()),
    };
    let transport = Transport::metadata(reach, connect, retry)?;
    if let Some(token) = sdk::metadata_token(&transport, id, audience).await {
        return Ok(token);
    }
    let place = format!("the metadata service {}", reach.settings.imds);
    Err(match transport.failure() {
        Some(Failure::NoAnswer(error)) if error.is_connect() || error.is_timeout() => {
            let message = format!("{place} does not answer; {}", elsewhere());
            NoToken::Other(failure(ErrorKind::IdentityUnavailable, message).with_source(error))
        }
        Some(Failure::NoAnswer(error)) => {
            let message = format!("{place} gave no token for {}", id.label());
            NoToken::Other(call_failed(message, error))
        }
        Some(Failure::Refused(refusal)) => refused(&place, id, refusal),
        None => NoToken::Other(failure(
            ErrorKind::Malformed,
            format!("the answer of {place} holds no token"),
        )),
    })
}

/// The metadata service's own refusals, beside those that it passes on from Entra ID.
fn refused(place: &str, id: &ManagedId, refusal: Refusal) -> NoToken {
    if refusal.status() == 400 && refusal.aadsts().is_none() {
        let message = match id {
            ManagedId::System => format!(
                "this machine has no system-assigned identity, or several user-assigned ones: \
                 assign it, or name one ({})",
                vars::MANAGED_IDENTITY
            ),
            id => format!(
                "{} is not assigned to this machine: assign it, or correct its name",
                id.label()
            ),
        };
        let error = failure(ErrorKind::IdentityUnavailable, message).with_source(refusal);
        return NoToken::Other(error);
    }
    let mut message = format!("{place} gave no token for {}", id.label());
    if refusal.status() == 403 && refusal.aadsts().is_none() {
        // Perhaps another cloud's server, or a filter's.
        message = format!("{message}; {}", elsewhere());
    }
    NoToken::refused(message, refusal)
}

fn elsewhere() -> String {
    format!(
        "outside Azure name another identity, such as {} with {}, or log in with az",
        vars::CLIENT_ID,
        vars::FEDERATED_TOKEN_FILE
    )
}

/// A service that the environment names.
struct Service {
    name: &'static str,
    url: String,
    api_version: Option<&'static str>,
    header: Option<(&'static str, SecretString)>,
    /// The word for a resource id; `None` where an identity cannot be chosen.
    resource_id: Option<&'static str>,
    /// The word for a client id, where it is not `client_id`.
    client_id: &'static str,
    /// Whether it first asks for the content of a file.
    challenges: bool,
    post: bool,
}

impl Service {
    /// The service by the variables that Azure's hosts set, in the order of Microsoft's libraries.
    fn find(reach: &Reach) -> Result<Option<Self>, ProviderError> {
        let env = &reach.env;
        let plain = |name, url: &str| Self {
            name,
            url: url.to_owned(),
            api_version: None,
            header: None,
            resource_id: None,
            client_id: "client_id",
            challenges: false,
            post: false,
        };
        let endpoint = env.get(vars::IDENTITY_ENDPOINT);
        if let (Some(url), Some(header)) = (endpoint, env.get(vars::IDENTITY_HEADER)) {
            if env.get(vars::IDENTITY_THUMBPRINT).is_some() {
                return Err(misconfigured(
                    "Service Fabric's managed identity endpoint is not used: name another identity",
                ));
            }
            return Ok(Some(Self {
                api_version: Some("2019-08-01"),
                header: Some(("X-IDENTITY-HEADER", header.into())),
                resource_id: Some("mi_res_id"),
                ..plain("App Service's identity endpoint", url)
            }));
        }
        if let Some(url) = env.get(vars::MSI_ENDPOINT) {
            return Ok(Some(match env.get(vars::MSI_SECRET) {
                Some(secret) => Self {
                    api_version: Some("2017-09-01"),
                    header: Some(("secret", secret.into())),
                    resource_id: Some("mi_res_id"),
                    client_id: "clientid",
                    ..plain("Machine Learning's identity endpoint", url)
                },
                None => Self {
                    post: true,
                    ..plain("Cloud Shell's identity endpoint", url)
                },
            }));
        }
        let named = endpoint.filter(|_| env.get(vars::IMDS_ENDPOINT).is_some());
        let installed = || reach.settings.machine.arc_agent.is_file() && !is_azure_machine(reach);
        match named {
            Some(url) => Ok(Some(Self::arc(plain("Azure Arc's agent", url)))),
            None if reach.settings.imds == METADATA && installed() => {
                Ok(Some(Self::arc(plain("Azure Arc's agent", ARC))))
            }
            None => Ok(None),
        }
    }

    fn arc(plain: Self) -> Self {
        Self {
            api_version: Some("2020-06-01"),
            challenges: true,
            ..plain
        }
    }

    fn request(&self, id: &ManagedId, audience: &str) -> Result<Request, ProviderError> {
        let url = Url::parse(&self.url)
            .ok()
            .filter(|url| !self.challenges || is_loopback(url))
            .ok_or_else(|| misconfigured(format!("the address of {} is unsound", self.name)))?;
        let mut pairs = vec![("resource", audience)];
        pairs.extend(self.api_version.map(|version| ("api-version", version)));
        match (id, self.resource_id) {
            (ManagedId::System, _) => {}
            (ManagedId::Client(client), Some(_)) => pairs.push((self.client_id, client)),
            (id, Some(word)) => pairs.extend(id.query(word)),
            (_, None) => {
                return Err(misconfigured(format!(
                    "{} has no user-assigned identities: name none",
                    self.name
                )));
            }
        }
        let mut request = match self.post {
            true => Request::post(url.as_str()).form(&pairs),
            false => Request::get(url.as_str()).query(&pairs),
        };
        request = request
            .header("Metadata", "true")
            .timeout(TIMEOUT)
            .retry(RETRY);
        if let Some((name, value)) = &self.header {
            request = request.secret_header(name, value);
        }
        Ok(match is_link_local(&url) {
            // These services speak plain http on an address of the link.
            true => request.allow_cleartext(),
            false => request,
        })
    }
}

async fn send(client: &Client, request: Request, name: &str) -> Result<Response, NoToken> {
    client.send(request).await.map_err(|error| {
        let kind = match error.is_connect() || error.is_timeout() {
            true => ErrorKind::IdentityUnavailable,
            false => error.kind(),
        };
        NoToken::Other(failure(kind, format!("{name} does not answer")).with_source(error))
    })
}

/// The content of the file that Arc's agent names: whoever can read it may have a token.
fn arc_key(response: &Response, directory: &Path) -> Result<SecretString, ProviderError> {
    let malformed = || {
        failure(
            ErrorKind::Malformed,
            "Azure Arc's agent names no key file in its own directory",
        )
    };
    let challenges = regcred_http::parse_challenges(response.headers());
    let realm = challenges
        .iter()
        .find(|c| c.scheme == "basic")
        .and_then(|c| c.param("realm"))
        .ok_or_else(malformed)?;
    let path = Path::new(realm);
    let is_key = path.extension().is_some_and(|e| e == "key");
    if path.parent() != Some(directory) || !is_key {
        return Err(malformed());
    }
    let small = std::fs::metadata(path).is_ok_and(|file| file.len() <= 4096);
    let key = read_secret(path, MIB).ok().filter(|_| small);
    key.ok_or_else(|| {
        failure(
            ErrorKind::IdentityUnavailable,
            format!(
                "cannot read {}: only root and members of the group himds may have tokens of \
                 Azure Arc",
                path.display()
            ),
        )
    })
}

/// Whether the firmware says that this is one of Azure's machines.
fn is_azure_machine(reach: &Reach) -> bool {
    std::fs::read_to_string(&reach.settings.machine.asset_tag)
        .is_ok_and(|tag| tag.trim() == ASSET_TAG)
}

const ARC: &str = "http://127.0.0.1:40342/metadata/identity/oauth2/token";
/// On every virtual machine of Azure's.
const ASSET_TAG: &str = "7783-7084-3265-9085-8269-3286-77";
/// Where nothing says that the machine is Azure's.
const SHORT_CONNECT: Duration = Duration::from_secs(1);
const PATIENT_CONNECT: Duration = Duration::from_secs(3);
const TIMEOUT: Duration = Duration::from_secs(15);
const RETRY: Retry = Retry {
    attempts: 5,
    base: Duration::from_millis(400),
    cap: Duration::from_secs(5),
};
const LIMIT: usize = 1 << 20;

#[cfg(test)]
mod tests;
