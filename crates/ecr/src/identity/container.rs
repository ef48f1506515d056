//! Credentials from the container's agent: ECS task roles and EKS Pod Identity.
//!
//! Not aws-config's provider: that one reads the process's own environment and refuses a token
//! file that ends in a newline.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use regcred_core::{Env, ErrorKind};
use regcred_http::{HttpError, Request, Retry, Url};
use secrecy::SecretString;

use super::web_identity::{self, read_token};
use super::{IdentityError, Outcome, json};
use crate::sdk::Sdk;
use crate::subject;
use crate::transport::Transport;

/// The agent that the environment names.
#[derive(Clone, Debug)]
pub(crate) struct Container {
    env: Env,
    transport: Transport,
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
        self.credentials(&url).await.map(Outcome::Found)
    }

    async fn credentials(&self, url: &str) -> Result<Credentials, IdentityError> {
        let named = || format!("the container credentials at {}", address(url));
        let misconfigured = |text| IdentityError::failed(named(), ErrorKind::NotConfigured, text);
        let failed = |error: HttpError| {
            IdentityError::failed("the container credentials", error.kind(), error)
        };
        check_destination(url)
            .await
            .map_err(|(kind, text)| IdentityError::failed(named(), kind, text))?;
        let mut request = Request::get(url)
            .header("accept", "application/json")
            .allow_cleartext()
            .timeout(TIME)
            .retry(RETRY);
        if let Some(token) = self.authorization().map_err(misconfigured)? {
            request = request.secret_header("authorization", &token);
        }
        let client = self.transport.client().map_err(failed)?;
        let response = client.send(request).await.map_err(failed)?;
        if response.status() != 200 {
            return Err(failed(response.into_error("the agent").await));
        }
        let body = response.bytes(LARGEST).await.map_err(failed)?;
        json::keys(&body, "container").map_err(|reason| {
            let text = format!("the answer {reason}");
            IdentityError::failed(named(), ErrorKind::Malformed, text)
        })
    }

    /// The file wins and is read at each call.
    fn authorization(&self) -> Result<Option<SecretString>, String> {
        if let Some(file) = self.env.get(TOKEN_FILE) {
            let token = read_token(Path::new(file));
            return token
                .map(Some)
                .map_err(|error| format!("cannot read {file} that {TOKEN_FILE} names: {error}"));
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
            let credentials = self.credentials(&url).await;
            credentials.map_err(CredentialsError::provider_error)
        })
    }
}

/// The SDKs' rule: https anywhere; http only to this machine and to the container services'
/// addresses, because the request carries a token and the answer keys.
async fn check_destination(url: &str) -> Result<(), (ErrorKind, String)> {
    let refused = |rule: &str| Err((ErrorKind::NotConfigured, rule.to_owned()));
    let parsed = Url::parse(url).ok();
    let host = match &parsed {
        Some(url) if url.scheme() == "https" => return Ok(()),
        Some(url) if url.scheme() == "http" => url.host_str().unwrap_or_default(),
        _ => return refused("the URL is neither http nor https"),
    };
    let host = host.trim_matches(['[', ']']);
    let addresses: Vec<IpAddr> = match host.parse() {
        Ok(address) => vec![address],
        Err(_) => tokio::net::lookup_host((host, 80))
            .await
            .map_err(|error| {
                let text = format!("cannot resolve {host}: {error}");
                (ErrorKind::Unreachable, text)
            })?
            .map(|socket| socket.ip())
            .collect(),
    };
    let allowed = |ip: &IpAddr| ip.is_loopback() || AGENTS.contains(&ip.to_string().as_str());
    if addresses.is_empty() || !addresses.iter().all(allowed) {
        return refused("an http URL must lead to loopback or to a container service's address");
    }
    Ok(())
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

/// An agent that starts together with its node is not there at once.
const RETRY: Retry = Retry {
    attempts: 3,
    base: Duration::from_millis(250),
    cap: Duration::from_secs(1),
};
/// Time for all attempts.
const TIME: Duration = Duration::from_secs(18);
/// Keys and a session have a few kilobytes.
const LARGEST: usize = 64 << 10;
