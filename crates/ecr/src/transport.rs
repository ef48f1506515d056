//! The HTTP client under every AWS call: rustls with ring, authorities read at the first https
//! connection, proxies from the environment value, bounded bodies.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http_body_util::Limited;
use regcred_core::Env;

use crate::proxy::{Proxies, is_local};
use crate::trust::Authorities;

/// The client. Cheap to make and to clone: nothing is read before a request needs it.
#[derive(Clone)]
pub(crate) struct Transport(Arc<Shared>);

struct Shared {
    proxies: Proxies,
    authorities: Authorities,
    context: OnceLock<TlsContext>,
    by_settings: Mutex<HashMap<SettingsKey, SharedHttpConnector>>,
    /// Whether this speaks with metadata services only.
    metadata: bool,
}

type SettingsKey = (Option<Duration>, Option<Duration>);

impl Transport {
    /// A client for the service endpoints.
    pub(crate) fn new(env: &Env) -> Self {
        Self::make(Authorities::from_env(env), Proxies::from_env(env), false)
    }

    /// A client for metadata services, which no proxy may see.
    pub(crate) fn direct(env: &Env) -> Self {
        Self::make(Authorities::from_env(env), Proxies::default(), true)
    }

    /// The same client, held against the authorities of a profile.
    pub(crate) fn with_profile(&self, bundle: &str) -> Self {
        let authorities = self.0.authorities.clone().with_profile(bundle);
        Self::make(authorities, self.0.proxies.clone(), self.0.metadata)
    }

    /// A connector with these time-outs; the same connector for the same time-outs.
    pub(crate) fn connector(&self, settings: &HttpConnectorSettings) -> SharedHttpConnector {
        let key = (settings.connect_timeout(), settings.read_timeout());
        let mut known = self
            .0
            .by_settings
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        known
            .entry(key)
            .or_insert_with(|| {
                SharedHttpConnector::new(Routed {
                    shared: Arc::clone(&self.0),
                    settings: settings.clone(),
                    routes: Default::default(),
                })
            })
            .clone()
    }

    fn make(authorities: Authorities, proxies: Proxies, metadata: bool) -> Self {
        Self(Arc::new(Shared {
            proxies,
            authorities,
            context: OnceLock::new(),
            by_settings: Mutex::default(),
            metadata,
        }))
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}

impl HttpClient for Transport {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        self.connector(settings)
    }
}

/// One connector in four variants, each made when first used: plain or TLS, direct or proxied.
struct Routed {
    shared: Arc<Shared>,
    settings: HttpConnectorSettings,
    routes: [OnceLock<Connector>; 4],
}

impl Routed {
    fn route(&self, uri: &str) -> Result<&Connector, Box<dyn std::error::Error + Send + Sync>> {
        let https = uri
            .get(..6)
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"));
        let proxied = self.shared.proxies.apply_to(https) && !is_local(host_of(uri));
        let slot = &self.routes[usize::from(https) * 2 + usize::from(proxied)];
        if let Some(connector) = slot.get() {
            return Ok(connector);
        }
        let connector = self.make(https, proxied)?;
        Ok(slot.get_or_init(|| connector))
    }

    fn make(
        &self,
        https: bool,
        proxied: bool,
    ) -> Result<Connector, Box<dyn std::error::Error + Send + Sync>> {
        let mut builder = Connector::builder()
            .connector_settings(self.settings.clone())
            .sleep_impl(TokioSleep::new());
        if proxied {
            builder = builder.proxy_config(self.shared.proxies.config(https)?);
        }
        // A proxy may itself speak TLS, so that only the direct plain route does without.
        if !https && !proxied {
            return Ok(builder.build_http());
        }
        let context = match self.shared.context.get() {
            Some(context) => context.clone(),
            None => {
                let context = self.shared.authorities.load()?;
                self.shared.context.get_or_init(|| context).clone()
            }
        };
        Ok(builder
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .tls_context(context)
            .build())
    }
}

impl fmt::Debug for Routed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Routed")
    }
}

impl HttpConnector for Routed {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let token = self.shared.metadata && request.uri().ends_with(TOKEN_PATH);
        match self.route(request.uri()) {
            Ok(connector) => {
                let answer = connector.call(request);
                HttpConnectorFuture::new(async move {
                    let response = bounded(answer.await?);
                    Ok(if token { with_life(response) } else { response })
                })
            }
            Err(error) => HttpConnectorFuture::ready(Err(ConnectorError::user(error))),
        }
    }
}

fn bounded(mut response: HttpResponse) -> HttpResponse {
    let body = response.take_body();
    *response.body_mut() = SdkBody::from_body_1_x(Limited::new(body, MAX_BODY));
    response
}

/// EC2 says how long a metadata token lives and the SDK insists on it; some emulators do not say.
/// A request uses the token for seconds, so that six hours, which were asked for, are as good.
fn with_life(mut response: HttpResponse) -> HttpResponse {
    if response.status().is_success() && !response.headers().contains_key(TOKEN_LIFE) {
        response.headers_mut().insert(TOKEN_LIFE, "21600");
    }
    response
}

/// The host in a URL, without user information and port.
pub(crate) fn host_of(uri: &str) -> &str {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    }
}

/// The largest answer read; a token answer has a few kilobytes.
const MAX_BODY: usize = 1 << 20;

const TOKEN_PATH: &str = "/latest/api/token";
const TOKEN_LIFE: &str = "x-aws-ec2-metadata-token-ttl-seconds";

#[cfg(test)]
mod tests;
