//! One repository with at most one credential.

use std::fmt;
use std::sync::Arc;

use regcred_http::{Client, Response, Retry};

use super::endpoint::{self, Endpoint};
use super::error::{Reason, RegistryError};
use super::hosts::HostsError;
use super::request::RegistryRequest;

/// A repository of a registry (`gcr.io/project/app`). Cheap to clone; clones share the tokens that
/// were issued for its credential.
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

    /// Asks the servers in order until one has it. The registry's own answer is the last; the
    /// failures of mirrors before it are only logged.
    pub(crate) async fn send(
        &self,
        request: &RegistryRequest<'_>,
    ) -> Result<Response, RegistryError> {
        let object = request.object;
        let endpoints = self.0.endpoints.as_ref().map_err(|error| {
            RegistryError::new(object, Reason::Configuration).caused_by(error.clone())
        })?;
        let able = |endpoint: &&Endpoint| endpoint.has(object.capability);
        let mut failed: Option<(&Endpoint, RegistryError)> = None;
        for endpoint in endpoints.iter().filter(able) {
            if let Some((before, error)) = &failed {
                if endpoint.is_only_for_tls() {
                    if !error.wants_tls() {
                        break;
                    }
                    before.pass_over();
                } else if error.is_unreachable() {
                    before.pass_over();
                }
                tracing::debug!(host = before.host(), error = %regcred_core::report(error), "asking the next server");
            }
            match endpoint.send(request).await {
                Ok(response) => return Ok(response),
                Err(error) => failed = Some((endpoint, error)),
            }
        }
        Err(match failed {
            Some((_, error)) => error,
            None => {
                let what = format!(
                    "no server may be asked for this; give one the capability {} in hosts.toml",
                    object.capability.name()
                );
                RegistryError::new(object, Reason::Local(what))
            }
        })
    }

    /// Asks an address that a descriptor names in addition to the registry.
    pub(crate) async fn send_foreign(
        &self,
        url: &str,
        request: &RegistryRequest<'_>,
    ) -> Result<Response, RegistryError> {
        endpoint::send_foreign(&self.0.client, self.0.retry, url, request).await
    }

    /// When something that broke is asked for again.
    pub(crate) fn retry(&self) -> Retry {
        self.0.retry
    }
}

impl fmt::Debug for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Repository").field(&self.0.name).finish()
    }
}
