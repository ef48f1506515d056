//! Managed identities of App Service (with Container Apps and Functions), Machine Learning, Cloud
//! Shell and Azure Arc, at the endpoint that they announce in the environment.
//!
//! The calls are our own: azure_identity finds an endpoint by the process's own environment, refuses
//! resource ids at App Service, and uses none of the others.

use std::path::Path;
use std::time::Duration;

use regcred_cloud::{TokenCall, TokenResponse, secret};
use regcred_core::{ErrorKind, ProviderError};
use regcred_files::read_secret;
use regcred_http::{
    Client, FormValue, Request, Response, StatusCode, Url, is_link_local, is_loopback,
    parse_challenges,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

use crate::entra_token::{TokenError, TokenRequest, read};
use crate::machine::{CONNECT, METADATA, RETRY};
use crate::managed_id::ManagedId;
use crate::settings::Cloud;
use crate::{ERRORS, vars};

/// An endpoint that returns tokens of managed identities.
pub(crate) struct IdentityEndpoint {
    place: Place,
    url: String,
}

/// Whose endpoint it is, with the secret that it requires.
enum Place {
    AppService(SecretString),
    MachineLearning(SecretString),
    CloudShell,
    /// Challenges instead.
    Arc,
}

impl IdentityEndpoint {
    /// The endpoint that the environment names, or that Arc's agent has where it is installed.
    pub(crate) fn find(cloud: &Cloud) -> Option<Self> {
        let (env, machine) = (&cloud.env, &cloud.settings.machine);
        let endpoint = env.get(vars::IDENTITY_ENDPOINT);
        // With a thumbprint it is Service Fabric's, which is another protocol.
        let is_fabric = env.get(vars::IDENTITY_THUMBPRINT).is_some();
        let header = env.get(vars::IDENTITY_HEADER).filter(|_| !is_fabric);
        if let (Some(url), Some(header)) = (endpoint, header) {
            return Some(Self::at(url, Place::AppService(header.into())));
        }
        if let Some(url) = env.get(vars::MSI_ENDPOINT) {
            let secret = env.get(vars::MSI_SECRET).map(SecretString::from);
            let place = secret.map_or(Place::CloudShell, Place::MachineLearning);
            return Some(Self::at(url, place));
        }
        let is_arc = env.get(vars::IMDS_ENDPOINT).is_some();
        let is_installed = || {
            let is_default = cloud.settings.imds == METADATA;
            is_default && machine.arc_agent.is_file() && !machine.is_azure()
        };
        match endpoint {
            Some(url) if is_arc => Some(Self::at(url, Place::Arc)),
            _ if is_installed() => Some(Self::at(ARC, Place::Arc)),
            _ => None,
        }
    }

    fn at(url: &str, place: Place) -> Self {
        Self {
            place,
            url: url.to_owned(),
        }
    }

    /// A token of a managed identity.
    pub(crate) async fn token(
        &self,
        request: &TokenRequest<'_>,
        id: &ManagedId,
    ) -> Result<SecretString, TokenError> {
        let client = request.cloud.link(CONNECT)?;
        let endpoint = self.asked(id);
        let asked = self.request(id, request.audience)?;
        let mut response = self.send(&client, asked, id).await?;
        if matches!(self.place, Place::Arc) && response.status() == StatusCode::UNAUTHORIZED {
            let key = arc_key(&response, &request.cloud.settings.machine.arc_tokens)?;
            let value: SecretString = format!("Basic {}", key.expose_secret()).into();
            let asked = self.request(id, request.audience)?;
            let asked = asked.secret_header("Authorization", &value);
            response = self.send(&client, asked, id).await?;
        }
        let response: IdentityToken = read(response)
            .await
            .map_err(|error| TokenError::failed(&endpoint, error))?;
        if matches!(self.place, Place::Arc) && !response.is_of(id) {
            let answer = "it did not confirm the identity: an agent without user-assigned identities \
                          returns the machine's own token";
            return Err(endpoint
                .answered(ErrorKind::IdentityUnavailable, answer)
                .with_next_step("update the agent, or do not name an identity".to_owned())
                .into());
        }
        let token = TokenResponse::from(response.access_token.unwrap_or_default());
        Ok(token.secret(&endpoint)?)
    }

    /// The call for the token of an identity, for its errors.
    fn asked(&self, id: &ManagedId) -> TokenCall {
        ERRORS
            .token_call(id.label(), self.name())
            .if_refused("assign the identity to this place, or correct its name")
    }

    fn name(&self) -> &'static str {
        match self.place {
            Place::AppService(_) => "App Service's identity endpoint",
            Place::MachineLearning(_) => "Machine Learning's identity endpoint",
            Place::CloudShell => "Cloud Shell's identity endpoint",
            Place::Arc => "Azure Arc's agent",
        }
    }

    fn request(&self, id: &ManagedId, audience: &str) -> Result<Request, ProviderError> {
        let url = Url::parse(&self.url).ok();
        let url = url.filter(|url| !matches!(self.place, Place::Arc) || is_loopback(url));
        let url = url.ok_or_else(|| {
            let name = match self.place {
                Place::AppService(_) | Place::Arc => vars::IDENTITY_ENDPOINT,
                Place::MachineLearning(_) | Place::CloudShell => vars::MSI_ENDPOINT,
            };
            ERRORS.misconfigured(format!("{name} is not an address of {}", self.name()))
        })?;
        let resource = ("resource", audience);
        let request = match &self.place {
            Place::AppService(header) => Request::get(url.as_str())
                .secret_header("X-IDENTITY-HEADER", header)
                .query(&[resource, ("api-version", "2019-08-01")])
                .query(&chosen(id, "client_id", "mi_res_id")),
            Place::MachineLearning(secret) => Request::get(url.as_str())
                .secret_header("secret", secret)
                .query(&[resource, ("api-version", "2017-09-01")])
                .query(&chosen(id, "clientid", "mi_res_id")),
            // Another word for a resource would be ignored.
            Place::Arc => Request::get(url.as_str())
                .query(&[resource, ("api-version", "2020-06-01")])
                .query(&chosen(id, "client_id", "msi_res_id")),
            Place::CloudShell if *id != ManagedId::System => {
                return Err(ERRORS.misconfigured(format!(
                    "{} has no user-assigned identities: do not name one",
                    self.name()
                )));
            }
            Place::CloudShell => {
                Request::post(url.as_str()).form(&[("resource", FormValue::Text(audience))])
            }
        };
        let request = request
            .header("Metadata", "true")
            .timeout(TIMEOUT)
            .retry(RETRY);
        if is_link_local(&url) {
            // There these services speak plain http.
            return Ok(request.allow_cleartext());
        }
        Ok(request)
    }

    async fn send(
        &self,
        client: &Client,
        request: Request,
        id: &ManagedId,
    ) -> Result<Response, ProviderError> {
        client.send(request).await.map_err(|error| {
            if error.is_unanswered() {
                let step = "check that the service runs here, or name another identity";
                self.asked(id)
                    .no_server(error)
                    .with_next_step(step.to_owned())
            } else {
                self.asked(id).failed(error)
            }
        })
    }
}

/// A token, and the names of the identity that it is of.
#[derive(Deserialize)]
struct IdentityToken {
    #[serde(default, deserialize_with = "secret")]
    access_token: Option<SecretString>,
    #[serde(default)]
    client_id: Value,
    #[serde(default)]
    object_id: Value,
    #[serde(default)]
    msi_res_id: Value,
    #[serde(default)]
    mi_res_id: Value,
}

impl IdentityToken {
    /// Whether the service confirms the identity. MSAL for Go has the same rule
    /// (`verifyAzureArcUserAssignedIdentity`): letter case does not count, and a resource has two names.
    fn is_of(&self, id: &ManagedId) -> bool {
        let (wanted, names) = match id {
            ManagedId::System => return true,
            ManagedId::Client(id) => (id, [&self.client_id, &self.client_id]),
            ManagedId::Object(id) => (id, [&self.object_id, &self.object_id]),
            ManagedId::Resource(id) => (id, [&self.msi_res_id, &self.mi_res_id]),
        };
        let mut names = names.into_iter().filter_map(Value::as_str);
        let named = names.find(|name| !name.is_empty());
        named.is_some_and(|named| named.eq_ignore_ascii_case(wanted))
    }
}

/// The parameter for a user-assigned identity, with the service's words for a client id and for a
/// resource.
fn chosen<'a>(
    id: &'a ManagedId,
    client_id: &'static str,
    resource: &'static str,
) -> Vec<(&'static str, &'a str)> {
    match id {
        ManagedId::System => vec![],
        ManagedId::Client(id) => vec![(client_id, id)],
        ManagedId::Object(id) => vec![("object_id", id)],
        ManagedId::Resource(id) => vec![(resource, id)],
    }
}

/// The content of the file that Arc's agent names: a process that can read it may have a token.
fn arc_key(response: &Response, directory: &Path) -> Result<SecretString, ProviderError> {
    let challenges = parse_challenges(response.headers());
    let basic = challenges.iter().find(|c| c.scheme == "basic");
    let path = basic.and_then(|c| c.param("realm")).map(Path::new);
    let is_key = |path: &&Path| {
        path.parent() == Some(directory) && path.extension().is_some_and(|e| e == "key")
    };
    let path = path.filter(is_key).ok_or_else(|| {
        ERRORS.malformed("Azure Arc's agent names no key file in its own directory")
    })?;
    read_secret(path, LONGEST_KEY).map_err(|error| {
        let message = format!("cannot read {}", path.display());
        let step = "only root and members of the group himds may have tokens of Azure Arc";
        let failed = ERRORS.no_identity(message).with_source(error);
        failed.with_next_step(step.to_owned())
    })
}

const ARC: &str = "http://127.0.0.1:40342/metadata/identity/oauth2/token";
const TIMEOUT: Duration = Duration::from_secs(15);
/// In bytes, as Microsoft's libraries have it.
const LONGEST_KEY: u64 = 4096;

#[cfg(test)]
mod tests;
