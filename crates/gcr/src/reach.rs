//! How this provider reaches Google: the endpoints, and one HTTP client for each kind of them.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use regcred_core::{Clock, Env, ProviderError};
use regcred_http::{Client, ClientOptions, HttpError, Proxy, SharedClient};
use secrecy::{ExposeSecret, SecretString};

use crate::failure::call_failed;
use crate::settings::Settings;

/// What every token source is made from. Cheap to clone.
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

    /// A client for Google's public services, through the proxies of the environment.
    pub(crate) fn web(&self) -> Result<Client, ProviderError> {
        self.web.get(|| self.options()).map_err(no_client)
    }

    /// The same, showing a client certificate (chain and key as one PEM text).
    pub(crate) fn web_with_identity(&self, pem: &SecretString) -> Result<Client, ProviderError> {
        Client::new(ClientOptions {
            client_identity_pem: Some(pem.expose_secret().as_bytes().to_vec().into()),
            ..self.options()
        })
        .map_err(no_client)
    }

    /// A client for servers of this machine's link.
    pub(crate) fn link(&self, connect_timeout: Duration) -> Result<Client, ProviderError> {
        Client::new(ClientOptions {
            proxy: Proxy::None,
            connect_timeout,
            ..self.options()
        })
        .map_err(no_client)
    }

    /// The token exchange of the Security Token Service.
    pub(crate) fn sts_url(&self) -> String {
        let Settings {
            endpoints,
            universe,
            ..
        } = &*self.settings;
        endpoints
            .sts
            .clone()
            .unwrap_or_else(|| format!("https://sts.{universe}/v1/token"))
    }

    /// Base URL of the IAM Service Account Credentials API.
    pub(crate) fn iam_url(&self) -> String {
        let Settings {
            endpoints,
            universe,
            ..
        } = &*self.settings;
        endpoints
            .iam_credentials
            .clone()
            .unwrap_or_else(|| format!("https://iamcredentials.{universe}"))
    }

    /// The present time.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    fn options(&self) -> ClientOptions {
        ClientOptions {
            clock: self.clock.clone(),
            ..ClientOptions::new(&self.env)
        }
    }
}

fn no_client(error: HttpError) -> ProviderError {
    call_failed("cannot make an HTTP client", error)
}
