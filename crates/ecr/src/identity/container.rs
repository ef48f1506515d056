//! Credentials from the container's agent: ECS task roles and EKS Pod Identity.
//!
//! Not aws-config's provider: that one reads the process's own environment and refuses a token
//! file that ends in a newline.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use aws_smithy_runtime_api::client::http::{HttpConnector as _, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::byte_stream::ByteStream;
use regcred_core::{Env, ErrorKind};
use secrecy::{ExposeSecret as _, SecretString};

use super::web_identity::{self, read_token};
use super::{IdentityError, Outcome, json};
use crate::failure::{bounded, causes};
use crate::sdk::{Sdk, quiet};
use crate::subject;
use crate::transport::{Transport, host_of};

/// The agent that the environment names.
#[derive(Clone, Debug)]
pub(crate) struct Container {
    env: Env,
    transport: Transport,
}

/// Why the agent gave nothing.
#[derive(Debug)]
struct AgentError {
    kind: ErrorKind,
    text: String,
}

/// The URL that will be asked, and with whose token, for the cache key: every pod of a cluster asks
/// the same URL.
pub(super) fn holder(env: &Env) -> Option<String> {
    let url = configured(env)?;
    let token = match (env.get(TOKEN_FILE), env.get(TOKEN)) {
        (Some(file), _) => web_identity::holder(file),
        (None, Some(token)) => subject::stable_name(token),
        (None, None) => String::new(),
    };
    Some(format!("{url} {token}"))
}

/// The URL that will be asked.
fn configured(env: &Env) -> Option<String> {
    match env.get(RELATIVE) {
        Some(path) => Some(format!("{ECS}{path}")),
        None => env.get(FULL).map(str::to_owned),
    }
}

impl Container {
    /// The agent; nothing is asked yet.
    pub(crate) fn new(env: &Env, sdk: &Sdk) -> Self {
        Self {
            env: env.clone(),
            transport: sdk.metadata.clone(),
        }
    }

    /// Asks the agent, if one is named.
    pub(super) async fn step(&self) -> Result<Outcome, IdentityError> {
        let Some(url) = configured(&self.env) else {
            return Ok(Outcome::Absent(format!(
                "neither {RELATIVE} nor {FULL} is set"
            )));
        };
        match self.credentials(&url).await {
            Ok(credentials) => Ok(Outcome::Found(credentials)),
            Err(error) => Err(IdentityError::failed(
                format!("the container credentials at {}", address(&url)),
                error.kind,
                error.text,
            )),
        }
    }

    async fn credentials(&self, url: &str) -> Result<Credentials, AgentError> {
        check_destination(url).await?;
        let authorization = self.authorization()?;
        let mut wait = FIRST_WAIT;
        // An agent that starts together with its node is not there at once.
        for attempt in 1.. {
            match self.ask(url, authorization.as_ref()).await {
                Err(error) if error.kind.is_retryable() && attempt < ATTEMPTS => {
                    tokio::time::sleep(wait).await;
                    wait *= 2;
                }
                other => return other,
            }
        }
        Err(AgentError::new(ErrorKind::Unreachable, "no attempt left"))
    }

    async fn ask(
        &self,
        url: &str,
        authorization: Option<&SecretString>,
    ) -> Result<Credentials, AgentError> {
        let malformed = |text: &str| AgentError::new(ErrorKind::Malformed, text);
        let unreachable = |text: String| AgentError::new(ErrorKind::Unreachable, text);
        let mut request = HttpRequest::get(url)
            .map_err(|_| AgentError::new(ErrorKind::NotConfigured, "the URL cannot be read"))?;
        request.headers_mut().insert("accept", "application/json");
        if let Some(value) = authorization {
            request
                .headers_mut()
                .try_insert("authorization", value.expose_secret().to_owned())
                .map_err(|_| {
                    let text = "the authorization token cannot stand in a header";
                    AgentError::new(ErrorKind::NotConfigured, text)
                })?;
        }
        let settings = HttpConnectorSettings::builder()
            .connect_timeout(Duration::from_secs(2))
            .read_timeout(Duration::from_secs(5))
            .build();
        let answer = self.transport.connector(&settings).call(request);
        let response = quiet(answer)
            .await
            .map_err(|error| unreachable(causes(&error)))?;
        let status = response.status().as_u16();
        let body = ByteStream::new(response.into_body()).collect();
        let body = tokio::time::timeout(Duration::from_secs(5), quiet(body))
            .await
            .map_err(|_| unreachable("the answer did not end".to_owned()))?
            .map_err(|error| unreachable(causes(&error)))?
            .into_bytes();
        if status != 200 {
            return Err(refused(status, &body));
        }
        json::keys(&body, "container").map_err(|reason| malformed(&format!("the answer {reason}")))
    }

    /// The file wins and is read anew at each call.
    fn authorization(&self) -> Result<Option<SecretString>, AgentError> {
        if let Some(file) = self.env.get(TOKEN_FILE) {
            return read_token(Path::new(file)).map(Some).map_err(|error| {
                let text = format!("cannot read {file} that {TOKEN_FILE} names: {error}");
                AgentError::new(ErrorKind::NotConfigured, text)
            });
        }
        let token = self.env.get(TOKEN);
        Ok(token.map(|t| t.trim().to_owned().into()))
    }
}

/// `credential_source = EcsContainer`.
impl ProvideCredentials for Container {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let url = configured(&self.env).ok_or_else(CredentialsError::not_loaded_no_source)?;
            self.credentials(&url)
                .await
                .map_err(|error| CredentialsError::provider_error(error.text))
        })
    }
}

impl AgentError {
    fn new(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            text: text.into(),
        }
    }
}

impl fmt::Display for AgentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The SDKs' rule: https anywhere; http only to this machine and to the container services'
/// addresses, since the request carries a token and the answer keys.
async fn check_destination(url: &str) -> Result<(), AgentError> {
    let refused = |text: &str| AgentError::new(ErrorKind::NotConfigured, text);
    let scheme = url.split_once("://").map(|(scheme, _)| scheme);
    match scheme {
        Some(s) if s.eq_ignore_ascii_case("https") => return Ok(()),
        Some(s) if s.eq_ignore_ascii_case("http") => {}
        _ => return Err(refused("the URL is neither http nor https")),
    }
    let host = host_of(url);
    let addresses: Vec<IpAddr> = match host.parse() {
        Ok(address) => vec![address],
        Err(_) => tokio::net::lookup_host((host, 80))
            .await
            .map_err(|error| AgentError::new(ErrorKind::Unreachable, causes(&error)))?
            .map(|socket| socket.ip())
            .collect(),
    };
    let allowed = |ip: &IpAddr| ip.is_loopback() || AGENTS.contains(&ip.to_string().as_str());
    if addresses.is_empty() || !addresses.iter().all(allowed) {
        return Err(refused(
            "an http URL must lead to loopback or to a container service's address",
        ));
    }
    Ok(())
}

fn refused(status: u16, body: &[u8]) -> AgentError {
    let kind = match status {
        429 => ErrorKind::Throttled,
        500.. => ErrorKind::Unreachable,
        _ => ErrorKind::Denied,
    };
    let fields = json::texts(body).unwrap_or_default();
    let known: Vec<_> = ["code", "message"]
        .iter()
        .filter_map(|name| fields.get(*name))
        .map(|text| bounded(text))
        .collect();
    let text = match known.is_empty() {
        true => format!("HTTP {status}"),
        false => format!("HTTP {status}: {}", known.join(": ")),
    };
    AgentError::new(kind, text)
}

/// Scheme, host and path: a query may hold anything.
fn address(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

const RELATIVE: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
const FULL: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
const TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
const ECS: &str = "http://169.254.170.2";

/// ECS, EKS, EKS on IPv6.
const AGENTS: &[&str] = &["169.254.170.2", "169.254.170.23", "fd00:ec2::23"];

const ATTEMPTS: u32 = 3;
const FIRST_WAIT: Duration = Duration::from_millis(250);
