//! How this provider reaches Oracle: clients, the clock.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use regcred_core::{Clock, Env, ProviderError};
use regcred_http::{Client, ClientOptions, Proxy, Retry};

use crate::failure::call_failed;
use crate::settings::Settings;
use crate::vars;

/// What every call is made from. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Reach {
    pub(crate) env: Env,
    pub(crate) clock: Clock,
    pub(crate) settings: Arc<Settings>,
}

impl Reach {
    /// A client for Oracle's public services, through the proxies of the environment.
    pub(crate) fn web(&self) -> Result<Client, ProviderError> {
        self.client(ClientOptions {
            connect_timeout: Duration::from_secs(4),
            ca_bundle: self.env.path(vars::CLI_CERT_BUNDLE),
            ..ClientOptions::new(&self.env)
        })
    }

    /// A client for the metadata server, which is never behind a proxy.
    pub(crate) fn link(&self) -> Result<Client, ProviderError> {
        self.client(ClientOptions {
            proxy: Proxy::None,
            connect_timeout: Duration::from_millis(1500),
            ..ClientOptions::new(&self.env)
        })
    }

    /// A client for the cluster's own services: it trusts the cluster's CA and nobody else, so the
    /// environment's roots are kept from it.
    pub(crate) fn cluster(&self, ca: PathBuf) -> Result<Client, ProviderError> {
        self.client(ClientOptions {
            proxy: Proxy::None,
            connect_timeout: Duration::from_secs(4),
            ca_bundle: Some(ca),
            ..ClientOptions::new(&Env::default())
        })
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    fn client(&self, options: ClientOptions) -> Result<Client, ProviderError> {
        Client::new(ClientOptions {
            clock: self.clock.clone(),
            ..options
        })
        .map_err(|e| call_failed("cannot make an HTTP client", e))
    }
}

/// Time for one call to a service of Oracle's, its repeats included.
pub(crate) const CALL: Duration = Duration::from_secs(15);
/// Many nodes start at once; pauses are random and as long as the service asks.
pub(crate) const RETRY: Retry = Retry {
    attempts: 4,
    base: Duration::from_millis(400),
    cap: Duration::from_secs(5),
};
/// No answer in use is longer.
pub(crate) const LIMIT: usize = 256 * 1024;
