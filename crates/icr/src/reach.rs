//! How this provider reaches IBM: endpoints, clients, the clock.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use regcred_core::{Clock, Env, ProviderError};
use regcred_http::{Client, ClientOptions, Proxy};

use crate::failure::call_failed;
use crate::settings::Settings;

/// What every call is made from. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Reach {
    pub(crate) env: Env,
    pub(crate) clock: Clock,
    pub(crate) settings: Arc<Settings>,
}

impl Reach {
    /// A client for IAM, through the proxies of the environment.
    pub(crate) fn web(&self) -> Result<Client, ProviderError> {
        self.client(Proxy::Env, Duration::from_secs(4))
    }

    /// A client for the metadata server, which is never behind a proxy.
    pub(crate) fn link(&self) -> Result<Client, ProviderError> {
        self.client(Proxy::None, Duration::from_millis(1500))
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    fn client(&self, proxy: Proxy, connect_timeout: Duration) -> Result<Client, ProviderError> {
        Client::new(ClientOptions {
            proxy,
            connect_timeout,
            clock: self.clock.clone(),
            ..ClientOptions::new(&self.env)
        })
        .map_err(|e| call_failed("cannot make an HTTP client", e))
    }
}
