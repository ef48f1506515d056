//! The registry's own token: an Entra access token becomes an ACR refresh token
//! (`POST /oauth2/exchange`, Azure/acr `docs/AAD-OAuth.md`).
//!
//! A login server is asked at once, at its own address. Only where the name that it has in the
//! protocol is not known (regional endpoints, hosts that the operator added) is it asked for its
//! challenge first, whose realm must be the same registry.

use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use regcred_cloud::{AccessToken, secret};
use regcred_core::{ErrorKind, ProviderError, RegistryHost};
use regcred_http::{
    Client, Request, Response, Retry, StatusCode, Url, is_loopback, parse_challenges,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::failure::{Refusal, call_failed, failure};
use crate::hosts::Hosts;
use crate::reach::Reach;
use crate::token::Claims;
use crate::vars;

/// The registry that issues the token.
pub(crate) struct Registry<'a> {
    /// The host as the operator knows it.
    pub(crate) host: &'a RegistryHost,
    /// Whether its name in the protocol is certain.
    pub(crate) is_login_server: bool,
    pub(crate) hosts: &'a Hosts,
}

/// Trades the Entra token for an ACR refresh token. `identity` is for messages; `tenant` is what azure.json says.
pub(crate) async fn refresh_token(
    reach: &Reach,
    registry: &Registry<'_>,
    token: &SecretString,
    tenant: Option<&str>,
    identity: &str,
) -> Result<AccessToken, ProviderError> {
    let exchange = Exchange {
        reach,
        registry,
        client: reach.web()?,
        base: base(reach, registry.host),
        identity,
    };
    let mut service = registry.host.host().to_owned();
    // The token says best whose it is: a pod's may come from another tenant than the node's.
    let mut tenant = Claims::of(token).tid.or_else(|| tenant.map(str::to_owned));
    if !registry.is_login_server {
        let challenge = exchange.challenge().await?;
        service = challenge.service;
        tenant = tenant.or(challenge.tenant);
    }
    exchange.ask(&service, tenant.as_deref(), token).await
}

struct Exchange<'a> {
    reach: &'a Reach,
    registry: &'a Registry<'a>,
    client: Client,
    base: String,
    identity: &'a str,
}

/// What a challenge says.
struct Challenged {
    service: String,
    tenant: Option<String>,
}

impl Exchange<'_> {
    async fn ask(
        &self,
        service: &str,
        tenant: Option<&str>,
        token: &SecretString,
    ) -> Result<AccessToken, ProviderError> {
        let mut form = vec![
            ("grant_type", "access_token"),
            ("service", service),
            ("access_token", token.expose_secret()),
        ];
        form.extend(tenant.map(|tenant| ("tenant", tenant)));
        let request = Request::post(&format!("{}/oauth2/exchange", self.base))
            .header("Accept", "application/json")
            .form(&form)
            .secret_body()
            .timeout(TIMEOUT)
            .retry(RETRY);
        let host = self.registry.host;
        let response = self.client.send(request).await.map_err(|error| {
            call_failed(
                format!("cannot trade a token at the registry {host}"),
                error,
            )
        })?;
        if response.status() != StatusCode::OK {
            return Err(self.refused(response).await);
        }
        let answer: Answer = response.json(LIMIT).await.map_err(|error| {
            call_failed(
                format!("cannot read the token of the registry {host}"),
                error,
            )
        })?;
        self.accept(answer.refresh_token)
    }

    fn accept(&self, secret: SecretString) -> Result<AccessToken, ProviderError> {
        let now = self.reach.now();
        let host = self.registry.host;
        let malformed = |what: &str| {
            Err(failure(
                ErrorKind::Malformed,
                format!("the registry {host} answered with a token that {what}"),
            ))
        };
        if secret.expose_secret().is_empty() {
            return malformed("is empty");
        }
        let end = Claims::of(&secret).exp;
        let end = end.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        let expires_at = end.unwrap_or(now + UNKNOWN_LIFE).min(now + LONGEST_LIFE);
        if expires_at <= now {
            return malformed("is over already; compare this machine's clock");
        }
        Ok(AccessToken { secret, expires_at })
    }

    async fn refused(&self, response: Response) -> ProviderError {
        let host = self.registry.host;
        let status = response.status();
        let refusal = Refusal::read(response).await;
        let sentence = match status.as_u16() {
            401 => format!(
                "the registry {host} does not take the token of {}: give it the role AcrPull \
                 (Container Registry Repository Reader where the registry uses ABAC), and compare \
                 the registry's tenant and cloud",
                self.identity
            ),
            403 if refusal.message().to_ascii_lowercase().contains("ip ") => format!(
                "the firewall of the registry {host} does not let this address in: allow it, or \
                 use a private endpoint"
            ),
            403 => format!("the registry {host} refuses {}", self.identity),
            404 => format!(
                "{host} is no registry of Azure's, or a proxy stands before it; {} is for servers \
                 behind another address",
                vars::ENDPOINT
            ),
            429 => format!("the registry {host} asks to come back later"),
            300..=399 => {
                format!("the registry {host} points elsewhere, where no token is sent")
            }
            _ => format!("the registry {host} gave no token for {}", self.identity),
        };
        failure(refusal.kind(), sentence).with_source(refusal)
    }

    /// Asks how the registry wants to be asked.
    async fn challenge(&self) -> Result<Challenged, ProviderError> {
        let host = self.registry.host;
        let request = Request::get(&format!("{}/v2/", self.base))
            .timeout(TIMEOUT)
            .retry(RETRY);
        let response = self
            .client
            .send(request)
            .await
            .map_err(|error| call_failed(format!("cannot reach the registry {host}"), error))?;
        let challenges = parse_challenges(response.headers());
        let bearer = challenges
            .iter()
            .find(|c| c.scheme == "bearer" && c.param("realm").is_some());
        let Some(bearer) = bearer.filter(|_| response.status() == StatusCode::UNAUTHORIZED) else {
            let status = response.status().as_u16();
            return Err(failure(
                ErrorKind::Malformed,
                format!(
                    "{host} did not issue a challenge (status {status}): it is no registry of \
                         Azure's"
                ),
            ));
        };
        if !self.is_own(bearer.param("realm").unwrap_or_default()) {
            return Err(failure(
                ErrorKind::Denied,
                format!("{host} wants a token to be sent to another host, which is not done"),
            ));
        }
        let text = |name| {
            bearer
                .param(name)
                .filter(|v| !v.is_empty())
                .map(str::to_owned)
        };
        Ok(Challenged {
            service: text("service").unwrap_or_else(|| host.host().to_owned()),
            tenant: text("tenant"),
        })
    }

    /// Whether a realm is the host asked, or the same registry under its global name.
    fn is_own(&self, realm: &str) -> bool {
        let (Ok(realm), Ok(base)) = (Url::parse(realm), Url::parse(&self.base)) else {
            return false;
        };
        if realm.origin() == base.origin() {
            return realm.scheme() == "https" || is_loopback(&realm);
        }
        let hosts = self.registry.hosts;
        let parts = |host| hosts.login_server(host);
        let same = parts(realm.host_str().unwrap_or_default())
            .zip(parts(self.registry.host.host()))
            .is_some_and(|(realm, own)| realm.same_registry(own));
        same && realm.scheme() == "https" && realm.port_or_known_default() == Some(443)
    }
}

/// The address that is asked: the login server's own, unless the operator set another.
fn base(reach: &Reach, host: &RegistryHost) -> String {
    if let Some(endpoint) = &reach.settings.endpoint {
        return endpoint.clone();
    }
    let name = match (host.host(), host.port()) {
        (name, None) => name.to_owned(),
        (name, Some(port)) if name.contains(':') => format!("[{name}]:{port}"),
        (name, Some(port)) => format!("{name}:{port}"),
    };
    let secure = format!("https://{name}");
    match Url::parse(&secure) {
        // A registry on this machine is asked as docker asks it.
        Ok(url) if is_loopback(&url) => format!("http://{name}"),
        _ => secure,
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(deserialize_with = "secret")]
    refresh_token: SecretString,
}

const TIMEOUT: Duration = Duration::from_secs(20);
const RETRY: Retry = Retry {
    attempts: 4,
    base: Duration::from_millis(500),
    cap: Duration::from_secs(8),
};
const LIMIT: usize = 1 << 20;
/// For a token that is no JWT.
const UNKNOWN_LIFE: TimeDelta = TimeDelta::minutes(10);
/// Longer than any of these tokens lives; keeps dates from overflowing.
const LONGEST_LIFE: TimeDelta = TimeDelta::days(1);

#[cfg(test)]
mod tests;
