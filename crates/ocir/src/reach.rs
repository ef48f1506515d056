//! How this provider reaches Oracle: clients, the clock.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use regcred_core::{Clock, Env, ProviderError};
use regcred_http::{CaBundle, Client, ClientOptions, HttpError, Proxy, Retry, SharedClient};

use crate::failure::call_failed;
use crate::settings::Settings;
use crate::vars;

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

    /// The same with other settings. The client stays: what it is made of is not among them.
    pub(crate) fn with(&self, env: Env, settings: Settings) -> Self {
        Self {
            env,
            settings: Arc::new(settings),
            ..self.clone()
        }
    }

    /// A client for Oracle's public services, through the proxies of the environment.
    pub(crate) fn web(&self) -> Result<Client, ProviderError> {
        let options = || {
            let bundle = self.env.path(vars::CLI_CERT_BUNDLE);
            self.options(ClientOptions {
                connect_timeout: Duration::from_secs(4),
                ca_bundle: bundle.map(|path| CaBundle {
                    path,
                    named_by: vars::CLI_CERT_BUNDLE,
                }),
                ..ClientOptions::new(&self.env)
            })
        };
        self.web.get(options).map_err(no_client)
    }

    /// A client for the metadata server, which is never behind a proxy.
    pub(crate) fn link(&self) -> Result<Client, ProviderError> {
        let options = self.options(ClientOptions {
            proxy: Proxy::None,
            connect_timeout: Duration::from_millis(1500),
            ..ClientOptions::new(&self.env)
        });
        Client::new(options).map_err(no_client)
    }

    /// A client for the cluster's own services: it trusts the cluster's CA and nobody else, so the
    /// environment's roots are kept from it.
    pub(crate) fn cluster(&self, ca: PathBuf) -> Result<Client, ProviderError> {
        let options = self.options(ClientOptions {
            proxy: Proxy::None,
            connect_timeout: Duration::from_secs(4),
            ca_bundle: Some(CaBundle {
                path: ca,
                named_by: "the cluster",
            }),
            ..ClientOptions::new(&Env::default())
        });
        Client::new(options).map_err(no_client)
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    fn options(&self, options: ClientOptions) -> ClientOptions {
        ClientOptions {
            clock: self.clock.clone(),
            ..options
        }
    }
}

fn no_client(error: HttpError) -> ProviderError {
    call_failed("cannot make an HTTP client", error)
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
