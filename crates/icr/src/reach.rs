//! How this provider reaches IBM: endpoints, clients, the clock.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use regcred_core::{Clock, Env, ProviderError};
use regcred_http::{Client, ClientOptions, HttpError, Proxy, SharedClient};

use crate::failure::call_failed;
use crate::settings::Settings;

/// What every call is made from. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Reach {
    pub(crate) env: Env,
    pub(crate) clock: Clock,
    pub(crate) settings: Arc<Settings>,
    web: SharedClient,
}

impl Reach {
    pub(crate) fn new(env: &Env, clock: &Clock, settings: Settings) -> Self {
        Self {
            env: env.clone(),
            clock: clock.clone(),
            settings: Arc::new(settings),
            web: SharedClient::default(),
        }
    }

    /// A client for IAM, through the proxies of the environment.
    pub(crate) fn web(&self) -> Result<Client, ProviderError> {
        let options = || self.options(Proxy::Env, Duration::from_secs(4));
        self.web.get(options).map_err(no_client)
    }

    /// A client for the metadata server, which is never behind a proxy.
    pub(crate) fn link(&self) -> Result<Client, ProviderError> {
        Client::new(self.options(Proxy::None, Duration::from_millis(1500))).map_err(no_client)
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    fn options(&self, proxy: Proxy, connect_timeout: Duration) -> ClientOptions {
        ClientOptions {
            proxy,
            connect_timeout,
            clock: self.clock.clone(),
            ..ClientOptions::new(&self.env)
        }
    }
}

fn no_client(error: HttpError) -> ProviderError {
    call_failed("cannot make an HTTP client", error)
}
