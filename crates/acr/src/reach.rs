//! How this provider reaches Azure: clients, settings, the clock.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use regcred_core::{Clock, Env, ProviderError};
use regcred_http::{Client, ClientOptions, HttpError, Proxy, Retry, SharedClient};

use crate::azure_json::AzureJson;
use crate::failure::call_failed;
use crate::settings::Settings;

/// What every call is made from. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Reach {
    pub(crate) env: Env,
    pub(crate) clock: Clock,
    pub(crate) settings: Arc<Settings>,
    /// How calls of Entra ID are repeated.
    pub(crate) retry: Retry,
    user_agent: Option<Arc<str>>,
    web: SharedClient,
}

impl Reach {
    pub(crate) fn new(env: &Env, clock: &Clock, settings: Settings) -> Self {
        Self {
            env: env.clone(),
            clock: clock.clone(),
            settings: Arc::new(settings),
            retry: RETRY,
            user_agent: None,
            web: SharedClient::default(),
        }
    }

    /// The same, with what azure.json says about calls.
    pub(crate) fn with(&self, json: &AzureJson) -> Self {
        let mut reach = self.clone();
        reach.user_agent = json.user_agent.as_deref().map(Arc::from);
        reach.web = SharedClient::default();
        if json.backoff {
            let retries = json.backoff_retries.unwrap_or(3).min(LONGEST_PATIENCE);
            let base = json.backoff_duration.unwrap_or(5).min(LONGEST_PATIENCE);
            reach.retry = Retry {
                attempts: retries + 1,
                base: Duration::from_secs(base.into()),
                cap: RETRY.cap,
            };
        }
        reach
    }

    /// A client for Entra ID and registries, through the proxies of the environment.
    pub(crate) fn web(&self) -> Result<Client, ProviderError> {
        self.web.get(|| self.options()).map_err(no_client)
    }

    /// A client for metadata services of this machine, which are never behind a proxy.
    pub(crate) fn link(&self, connect_timeout: Duration) -> Result<Client, ProviderError> {
        client(ClientOptions {
            proxy: Proxy::None,
            connect_timeout,
            ..self.options()
        })
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// The options that all clients share.
    pub(crate) fn options(&self) -> ClientOptions {
        let defaults = ClientOptions::new(&self.env);
        ClientOptions {
            clock: self.clock.clone(),
            connect_timeout: CONNECT,
            user_agent: match &self.user_agent {
                Some(agent) => agent.to_string(),
                None => defaults.user_agent.clone(),
            },
            ..defaults
        }
    }
}

/// A client with these options.
pub(crate) fn client(options: ClientOptions) -> Result<Client, ProviderError> {
    Client::new(options).map_err(no_client)
}

fn no_client(error: HttpError) -> ProviderError {
    call_failed("cannot make an HTTP client", error)
}

const CONNECT: Duration = Duration::from_secs(8);
const RETRY: Retry = Retry {
    attempts: 4,
    base: Duration::from_millis(400),
    cap: Duration::from_secs(8),
};
/// More repeats, or longer pauses, than a plugin has time for.
const LONGEST_PATIENCE: u32 = 10;
