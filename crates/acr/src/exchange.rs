//! The registry's own token: an Entra access token becomes an ACR refresh token
//! (`POST /oauth2/exchange`, Azure/acr `docs/AAD-OAuth.md`).
//!
//! A login server is asked at once, at its own address. Where its name in the protocol is not known
//! (regional endpoints, hosts that the operator added), it is first asked for its challenge, whose
//! realm must be the same registry.

use std::time::Duration;

use chrono::TimeDelta;
use regcred_cloud::{AccessToken, Claims, TokenCall, TokenResponse, secret};
use regcred_core::{ErrorKind, ProviderError, RegistryHost};
use regcred_http::FormValue::{Secret, Text};
use regcred_http::{
    Challenge, HttpError, Request, Retry, StatusCode, Url, is_loopback, is_passing_status,
    parse_challenges,
};
use secrecy::SecretString;
use serde::Deserialize;

use crate::entra_token::{read, status_error};
use crate::hosts::Hosts;
use crate::settings::Cloud;
use crate::{ERRORS, vars};

/// The exchange of a token at a registry.
pub(crate) struct Exchange<'a> {
    pub(crate) cloud: &'a Cloud,
    pub(crate) hosts: &'a Hosts,
    /// The registry that issues the token, as the operator knows it.
    pub(crate) registry: &'a RegistryHost,
    /// Whether the registry's name in the protocol is certain.
    pub(crate) is_login_server: bool,
    /// The identity of the Entra token, for messages.
    pub(crate) identity: &'a str,
}

impl Exchange<'_> {
    /// Trades the Entra token for an ACR refresh token. `tenant` is the one of azure.json.
    pub(crate) async fn refresh_token(
        &self,
        token: &SecretString,
        tenant: Option<&str>,
    ) -> Result<AccessToken, ProviderError> {
        let asked = self.asked();
        let mut service = self.registry.host().to_owned();
        // The token's own tenant is the right one: a pod's may differ from the node's.
        let mut tenant = Claims::of(token)
            .and_then(|claims| claims.tid)
            .or_else(|| tenant.map(str::to_owned));
        if !self.is_login_server {
            let bearer = self.challenge().await?;
            let named = |name| bearer.param(name).filter(|value| !value.is_empty());
            service = named("service").map_or(service, str::to_owned);
            tenant = tenant.or_else(|| named("tenant").map(str::to_owned));
        }
        let mut form = vec![
            ("grant_type", Text("access_token")),
            ("service", Text(&service)),
            ("access_token", Secret(token)),
        ];
        form.extend(tenant.as_deref().map(|tenant| ("tenant", Text(tenant))));
        let request = Request::post(&format!("{}/oauth2/exchange", self.base()))
            .header("Accept", "application/json")
            .form(&form)
            .timeout(TIMEOUT)
            .retry(RETRY);
        let client = self.cloud.web()?;
        let response = async { read::<ExchangeResponse>(client.send(request).await?).await };
        let response = response.await.map_err(|error| self.failed(error))?;
        TokenResponse::from(response.refresh_token).accept(
            &asked,
            self.cloud.now(),
            TimeDelta::zero(),
        )
    }

    /// The call, for its errors.
    fn asked(&self) -> TokenCall {
        ERRORS
            .token_call(self.identity, format!("the registry {}", self.registry))
            .if_refused(
                "give it the role AcrPull (Container Registry Repository Reader where the registry uses \
                 ABAC), and compare the registry's tenant and cloud",
            )
    }

    fn failed(&self, error: HttpError) -> ProviderError {
        let message = error.message().unwrap_or_default().to_ascii_lowercase();
        let step = match error.status().map(|status| status.as_u16()) {
            Some(403) if message.contains("ip ") => {
                "its firewall refuses this address: allow the address, or use a private endpoint"
                    .to_owned()
            }
            Some(404) => format!(
                "it is not an Azure registry, or a proxy is in the way; use {} if the login server has \
                 another address",
                vars::ENDPOINT
            ),
            Some(300..=399) => {
                "it points elsewhere, where no token is sent: ask for the registry by its login server"
                    .to_owned()
            }
            _ => return self.asked().failed(error),
        };
        self.asked().failed(error).with_next_step(step)
    }

    /// The challenge in which the registry names itself.
    async fn challenge(&self) -> Result<Challenge, ProviderError> {
        let request = Request::get(&format!("{}/v2/", self.base()))
            .timeout(TIMEOUT)
            .retry(RETRY);
        let response = self.cloud.web()?.send(request).await;
        let response = response.map_err(|error| self.asked().failed(error))?;
        let status = response.status();
        let bearer = parse_challenges(response.headers())
            .into_iter()
            .find(|c| c.scheme == "bearer" && c.param("realm").is_some())
            .filter(|_| status == StatusCode::UNAUTHORIZED);
        if bearer.is_none() && is_passing_status(status) {
            return Err(self.asked().failed(status_error(response).await));
        }
        let bearer = bearer.ok_or_else(|| {
            let answer = format!("it did not issue a challenge (status {})", status.as_u16());
            let step = "it is not an Azure registry, or a proxy is in the way";
            self.asked()
                .answered(ErrorKind::Malformed, &answer)
                .with_next_step(step.to_owned())
        })?;
        if !self.is_own(bearer.param("realm").unwrap_or_default()) {
            let answer = "it wants a token to be sent to another host, which is not done";
            let step = "ask for the registry by its login server";
            return Err(self
                .asked()
                .answered(ErrorKind::Denied, answer)
                .with_next_step(step.to_owned()));
        }
        Ok(bearer)
    }

    /// Whether a realm is the host asked, or the same registry under its global name.
    fn is_own(&self, realm: &str) -> bool {
        let (Ok(realm), Ok(base)) = (Url::parse(realm), Url::parse(&self.base())) else {
            return false;
        };
        if realm.origin() == base.origin() {
            return realm.scheme() == "https" || is_loopback(&realm);
        }
        let login_server = |host| self.hosts.login_server(host);
        let is_same = login_server(realm.host_str().unwrap_or_default())
            .zip(login_server(self.registry.host()))
            .is_some_and(|(realm, own)| realm.same_registry(own));
        is_same && realm.scheme() == "https" && realm.port_or_known_default() == Some(443)
    }

    /// The address that is asked: the login server's own, unless the operator set another.
    fn base(&self) -> String {
        if let Some(endpoint) = &self.cloud.settings.endpoint {
            return endpoint.clone();
        }
        let name = match (self.registry.host(), self.registry.port()) {
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
}

#[derive(Deserialize)]
struct ExchangeResponse {
    #[serde(deserialize_with = "secret")]
    refresh_token: SecretString,
}

const TIMEOUT: Duration = Duration::from_secs(20);
const RETRY: Retry = Retry {
    attempts: 4,
    base: Duration::from_millis(500),
    cap: Duration::from_secs(8),
};

#[cfg(test)]
mod tests;
