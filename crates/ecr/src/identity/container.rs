//! Credentials from the container's agent: ECS task roles and EKS Pod Identity.
//!
//! Not aws-config's provider: that one reads the process's own environment and refuses a token
//! file that ends in a newline.

use std::net::IpAddr;
use std::time::Duration;

use aws_credential_types::Credentials;
use regcred_cloud::SecretPlace;
use regcred_core::{Env, ErrorKind};
use regcred_http::{HttpError, Request, Retry, Url, resolve};
use secrecy::SecretString;

use super::key_document::keys;
use super::no_credentials::NoCredentials;
use crate::ERRORS;
use crate::jwt_subject::stable_name;
use crate::settings::Cloud;
use crate::transport::CONNECT;

/// The agent that the environment names, and the token that it expects.
#[derive(Clone, Debug)]
pub(super) struct Container {
    url: String,
    authorization: Option<SecretString>,
}

impl Container {
    /// The agent that the environment names. The token's file wins over its variable.
    pub(super) fn of(env: &Env) -> Result<Self, NoCredentials> {
        let url = match (env.get(RELATIVE), env.get(FULL)) {
            (Some(path), _) => format!("{ECS}{path}"),
            (None, Some(url)) => url.to_owned(),
            (None, None) => {
                let absent = format!("neither {RELATIVE} nor {FULL} is set");
                return Err(NoCredentials::Absent(absent));
            }
        };
        let authorization = match (env.path(TOKEN_FILE), env.get(TOKEN)) {
            (Some(file), _) => Some(SecretPlace::File(file).read(ERRORS, TOKEN_FILE)?),
            (None, Some(token)) => Some(SecretPlace::Given(token.into()).read(ERRORS, TOKEN)?),
            (None, None) => None,
        };
        Ok(Self { url, authorization })
    }

    /// The URL, and whom the token was issued to: every pod of a cluster asks the same URL.
    pub(super) fn stable_name(&self) -> String {
        let token = self.authorization.as_ref().map(stable_name);
        format!("{} {}", self.url, token.unwrap_or_default())
    }

    pub(super) async fn credentials(&self, cloud: &Cloud) -> Result<Credentials, NoCredentials> {
        let asked = ERRORS.token_call("the container's AWS identity", named(&self.url));
        let failed = |error: HttpError| {
            let is_refused = error.kind() == ErrorKind::Denied;
            let message = format!("no AWS identity from {}", named(&self.url));
            let error = asked.named_in(ERRORS.call_failed(message, error));
            NoCredentials::Failed(error.with_next_step(is_refused.then(|| IF_REFUSED.to_owned())))
        };
        check_destination(&self.url).await?;
        let mut request = Request::get(&self.url)
            .header("accept", "application/json")
            .allow_cleartext()
            .timeout(TIME)
            .retry(RETRY);
        if let Some(token) = &self.authorization {
            request = request.secret_header("authorization", token);
        }
        let response = cloud.link(CONNECT)?.send(request).await.map_err(failed)?;
        if response.status() != 200 {
            return Err(failed(response.into_error("the agent").await));
        }
        let body = response.bytes(LARGEST).await.map_err(failed)?;
        keys(&body, None, "container").map_err(|reason| {
            let source = named(&self.url);
            let error = ERRORS.malformed(format!(
                "no AWS identity from {source}: the response {reason}"
            ));
            NoCredentials::Failed(error.with_next_step(CHECK_AGENT.to_owned()))
        })
    }
}

/// Scheme, host and path: a query may hold anything.
fn named(url: &str) -> String {
    let address = url.split(['?', '#']).next().unwrap_or_default();
    format!("the container credentials at {address}")
}

/// The SDKs' rule: https anywhere; http only to this machine and to the container services'
/// addresses, because the request holds a token and the response keys.
async fn check_destination(url: &str) -> Result<(), NoCredentials> {
    let failed = |kind, text: String| NoCredentials::failed(&named(url), kind, text);
    let refused = |rule: &str| Err(failed(ErrorKind::NotConfigured, rule.to_owned()));
    let parsed = Url::parse(url).ok();
    let host = match &parsed {
        Some(url) if url.scheme() == "https" => return Ok(()),
        Some(url) if url.scheme() == "http" => url.host_str().unwrap_or_default(),
        _ => return refused("the URL is neither http nor https"),
    };
    let host = host.trim_matches(['[', ']']);
    let addresses: Vec<IpAddr> = match host.parse() {
        Ok(address) => vec![address],
        Err(_) => resolve(host).await.map_err(|error| {
            let text = format!("cannot resolve {host}: {error}");
            failed(ErrorKind::Unreachable, text)
        })?,
    };
    let allowed = |ip: &IpAddr| ip.is_loopback() || AGENTS.contains(&ip.to_string().as_str());
    if addresses.is_empty() || !addresses.iter().all(allowed) {
        return refused("an http URL must lead to loopback or to a container service's address");
    }
    Ok(())
}

const IF_REFUSED: &str =
    "check the role of the task or the pod identity association, and the agent's token";
const CHECK_AGENT: &str = "check that the address is the agent's";
const RELATIVE: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
const FULL: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
const TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
const ECS: &str = "http://169.254.170.2";

/// ECS, EKS, EKS on IPv6.
const AGENTS: &[&str] = &["169.254.170.2", "169.254.170.23", "fd00:ec2::23"];

/// An agent that starts together with its node is not up at once.
const RETRY: Retry = Retry {
    attempts: 3,
    base: Duration::from_millis(250),
    cap: Duration::from_secs(1),
};
/// Time for all attempts.
const TIME: Duration = Duration::from_secs(18);
/// Keys and a session have a few kilobytes.
const LARGEST: usize = 64 << 10;
