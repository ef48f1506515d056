//! One repository with the logins of one attempt.

use std::fmt;
use std::sync::Arc;

use regcred_http::{Client, Network, Response, Retry, StatusCode};

use super::endpoint::Endpoint;
use super::error::{Reason, RegistryError};
use super::foreign_layer::send_foreign;
use super::hosts::HostsError;
use super::request::RegistryRequest;
use super::server_report::ServerReport;

/// A repository of a registry (`gcr.io/project/app`). Cheap to clone; clones share the tokens that
/// were issued for its logins.
#[derive(Clone)]
pub struct Repository(Arc<Shared>);

struct Shared {
    name: String,
    endpoints: Result<Vec<Endpoint>, Arc<HostsError>>,
    /// For foreign layers, which are not at the registry's servers.
    client: Client,
    retry: Retry,
}

impl Repository {
    pub(crate) fn new(
        name: String,
        endpoints: Result<Vec<Endpoint>, Arc<HostsError>>,
        client: Client,
        retry: Retry,
    ) -> Self {
        Self(Arc::new(Shared {
            name,
            endpoints,
            client,
            retry,
        }))
    }

    /// `host/path`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Asks the servers in order until one has it. The failures of those before it are logged; if none
    /// has it, they are all in the error.
    pub(crate) async fn send(
        &self,
        request: &RegistryRequest<'_>,
    ) -> Result<Response, RegistryError> {
        let object = request.object;
        let endpoints = self.0.endpoints.as_ref().map_err(|error| {
            RegistryError::new(object, Reason::Configuration).caused_by(error.clone())
        })?;
        let mut failed: Vec<(usize, RegistryError)> = Vec::new();
        for (at, endpoint) in endpoints.iter().enumerate() {
            if !endpoint.has(object.capability) {
                continue;
            }
            let mut over_https = None;
            if endpoint.is_plain_after_https() {
                // The failure of the server before, which has the same address over https.
                over_https = failed.pop_if(|(before, error)| {
                    *before + 1 == at && endpoints[*before].wants_plain(error)
                });
                let is_chosen = at > 0 && endpoints[at - 1].has_fallen_back();
                if over_https.is_none() && !is_chosen {
                    continue;
                }
            } else if let Some((before, error)) = failed.last()
                && error.is_unreachable()
            {
                endpoints[*before].pass_over();
            }
            let result = endpoint.send(request).await;
            if let Some(https) = over_https {
                if !endpoint.is_met() && matches!(&result, Err(error) if error.is_unconnected()) {
                    failed.push(https);
                    continue;
                }
                endpoints[https.0].fall_back();
            }
            match result {
                Ok(response) => {
                    for (before, error) in &failed {
                        endpoints[*before].report_failure(self.name(), error);
                    }
                    return Ok(response);
                }
                Err(error) if request.is_extra && error.status() != Some(StatusCode::NOT_FOUND) => {
                    return Err(error);
                }
                Err(error) => failed.push((at, error)),
            }
        }
        if failed.is_empty() {
            let what = format!(
                "no server may be asked for this; give one the capability {} in hosts.toml",
                object.capability.name()
            );
            return Err(RegistryError::new(object, Reason::Local(what)));
        }
        let is_withheld = failed
            .iter()
            .any(|(at, error)| endpoints[*at].is_withheld() && error.is_curable_by_credential());
        let failed = failed.into_iter();
        let failures = failed.map(|(at, error)| (endpoints[at].name_in_failure(), error));
        let error = RegistryError::of_servers(object, failures.collect());
        Err(error.after_withholding(is_withheld))
    }

    /// Asks an address that a descriptor names in addition to the registry.
    pub(crate) async fn send_foreign(
        &self,
        url: &str,
        request: &RegistryRequest<'_>,
    ) -> Result<Response, RegistryError> {
        let is_inside = self.0.endpoints.iter().flatten().any(Endpoint::is_inside);
        let network = if is_inside {
            Network::Private
        } else {
            Network::Public
        };
        send_foreign(&self.0.client, self.0.retry, url, network, request).await
    }

    /// Whether any server received the image's login; `None` without one.
    pub(crate) fn login_sent(&self) -> Option<bool> {
        let endpoints = self.0.endpoints.as_ref().ok()?;
        let sent = endpoints.iter().map(Endpoint::login_sent);
        sent.max().flatten()
    }

    /// The servers that received a login of their own, each after the login's label.
    pub(crate) fn host_logins(&self) -> Vec<String> {
        let endpoints = self.0.endpoints.iter().flatten();
        endpoints.flat_map(Endpoint::host_logins).collect()
    }

    /// The servers in their order, each with the last request to it.
    ///
    /// # Errors
    /// When the configuration of the servers cannot be used.
    pub fn servers(&self) -> Result<Vec<ServerReport>, Arc<HostsError>> {
        let endpoints = self.0.endpoints.as_ref();
        let endpoints = endpoints.map_err(Arc::clone)?;
        Ok(endpoints.iter().map(Endpoint::report).collect())
    }

    /// When a broken request is sent again.
    pub(crate) fn retry(&self) -> Retry {
        self.0.retry
    }
}

impl fmt::Debug for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Repository").field(&self.0.name).finish()
    }
}

#[cfg(test)]
mod tests;
