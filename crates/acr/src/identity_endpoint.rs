//! Managed identities of App Service (with Container Apps and Functions) and of Azure Arc, at the
//! endpoint that they announce in the environment.
//!
//! The calls are our own: azure_identity finds an endpoint by the process's own environment, refuses
//! resource ids at App Service, and does not know Arc.

use std::path::Path;
use std::time::Duration;

use regcred_cloud::TokenResponse;
use regcred_core::ProviderError;
use regcred_files::read_secret;
use regcred_http::{
    Client, Request, Response, StatusCode, Url, is_link_local, is_loopback, parse_challenges,
};
use secrecy::{ExposeSecret, SecretString};

use crate::entra_token::{TokenError, TokenRequest, read};
use crate::machine::{CONNECT, METADATA, RETRY};
use crate::managed_id::ManagedId;
use crate::settings::Cloud;
use crate::{ERRORS, vars};

/// An endpoint that returns tokens of managed identities.
pub(crate) struct IdentityEndpoint {
    url: String,
    /// The secret that App Service's endpoint requires. Arc's challenges instead.
    header: Option<SecretString>,
}

impl IdentityEndpoint {
    /// The endpoint that the environment names, or that Arc's agent has where it is installed.
    pub(crate) fn find(cloud: &Cloud) -> Option<Self> {
        let (env, machine) = (&cloud.env, &cloud.settings.machine);
        // With a thumbprint it is Service Fabric's, which is another protocol.
        let is_fabric = env.get(vars::IDENTITY_THUMBPRINT).is_some();
        let header = env.get(vars::IDENTITY_HEADER).filter(|_| !is_fabric);
        let is_arc = env.get(vars::IMDS_ENDPOINT).is_some();
        let is_installed = || {
            let is_default = cloud.settings.imds == METADATA;
            is_default && machine.arc_agent.is_file() && !machine.is_azure()
        };
        match env.get(vars::IDENTITY_ENDPOINT) {
            Some(url) if header.is_some() || is_arc => Some(Self::at(url, header)),
            _ if is_installed() => Some(Self::at(ARC, None)),
            _ => None,
        }
    }

    fn at(url: &str, header: Option<&str>) -> Self {
        Self {
            url: url.to_owned(),
            header: header.map(SecretString::from),
        }
    }

    /// A token of a managed identity.
    pub(crate) async fn token(
        &self,
        request: &TokenRequest<'_>,
        id: &ManagedId,
    ) -> Result<SecretString, TokenError> {
        let client = request.cloud.link(CONNECT)?;
        let asked = self.request(id, request.audience)?;
        let mut response = self.send(&client, asked).await?;
        if self.header.is_none() && response.status() == StatusCode::UNAUTHORIZED {
            let key = arc_key(&response, &request.cloud.settings.machine.arc_tokens)?;
            let value: SecretString = format!("Basic {}", key.expose_secret()).into();
            let asked = self.request(id, request.audience)?;
            let asked = asked.secret_header("Authorization", &value);
            response = self.send(&client, asked).await?;
        }
        let response: TokenResponse = read(response).await.map_err(|error| {
            let message = format!("{} returned no token for {}", self.name(), id.label());
            TokenError::failed(message, error)
        })?;
        Ok(response.secret(ERRORS, self.name())?)
    }

    fn name(&self) -> &'static str {
        match self.header {
            Some(_) => "App Service's identity endpoint",
            None => "Azure Arc's agent",
        }
    }

    fn request(&self, id: &ManagedId, audience: &str) -> Result<Request, ProviderError> {
        let url = Url::parse(&self.url).ok();
        let url = url.filter(|url| self.header.is_some() || is_loopback(url));
        let url = url.ok_or_else(|| {
            let name = vars::IDENTITY_ENDPOINT;
            ERRORS.misconfigured(format!("{name} is not an address of {}", self.name()))
        })?;
        let mut pairs = vec![("resource", audience)];
        let mut request = Request::get(url.as_str())
            .header("Metadata", "true")
            .timeout(TIMEOUT)
            .retry(RETRY);
        if let Some(header) = &self.header {
            request = request.secret_header("X-IDENTITY-HEADER", header);
            pairs.push(("api-version", "2019-08-01"));
            match id {
                ManagedId::System => {}
                ManagedId::Client(id) => pairs.push(("client_id", id)),
                ManagedId::Object(id) => pairs.push(("object_id", id)),
                ManagedId::Resource(id) => pairs.push(("mi_res_id", id)),
            }
        } else if *id == ManagedId::System {
            pairs.push(("api-version", "2020-06-01"));
        } else {
            let message = "Azure Arc's agent has no user-assigned identities: do not name one";
            return Err(ERRORS.misconfigured(message));
        }
        if is_link_local(&url) {
            // There these services speak plain http.
            request = request.allow_cleartext();
        }
        Ok(request.query(&pairs))
    }

    async fn send(&self, client: &Client, request: Request) -> Result<Response, ProviderError> {
        client.send(request).await.map_err(|error| {
            let is_absent = error.is_connect() || error.is_timeout();
            let message = format!("{} does not respond", self.name());
            if is_absent {
                ERRORS.no_identity(message).with_source(error)
            } else {
                ERRORS.call_failed(message, error)
            }
        })
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
        let message = format!(
            "cannot read {}: only root and members of the group himds may have tokens of Azure Arc",
            path.display()
        );
        ERRORS.no_identity(message).with_source(error)
    })
}

const ARC: &str = "http://127.0.0.1:40342/metadata/identity/oauth2/token";
const TIMEOUT: Duration = Duration::from_secs(15);
/// In bytes, as Microsoft's libraries have it.
const LONGEST_KEY: u64 = 4096;

#[cfg(test)]
mod tests;
