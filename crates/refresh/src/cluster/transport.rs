//! How requests get to the API server: TLS and credentials are kube's, from its configuration; the proxy
//! and the bound on connecting are ours.
//!
//! kube's own stack is not used: it compares `NO_PROXY` with the proxy instead of the server, uses no
//! proxy in a pod, and its log line of a failure does not have the cause.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, PROXY_AUTHORIZATION};
use http::{HeaderValue, Request, Response, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::rt::TokioExecutor;
use kube::Config;
use kube::client::{Body, ClientBuilder, ConfigExt as _};
use percent_encoding::percent_decode_str;
use regcred_core::Env;
use regcred_http::{ProxyRules, Url, host_and_port, know_header, resolve};
use tower::{BoxError, Service, ServiceExt as _, service_fn};

use super::api_user::ApiUser;
use crate::error::RunError;

/// The way to the API server.
pub(super) struct Way {
    proxy: Option<Proxy>,
    /// For messages: the server, and the proxy with what named it.
    pub(super) shown: String,
    /// Who sends the requests, for messages.
    pub(super) user: ApiUser,
}

#[cfg(test)]
impl Way {
    /// To a server without a name.
    pub(super) fn direct() -> Self {
        Self {
            proxy: None,
            shown: "the API server".to_owned(),
            user: ApiUser::of_pod(),
        }
    }
}

struct Proxy {
    address: Uri,
    authorization: Option<HeaderValue>,
}

impl Way {
    /// Through the proxy that the kubeconfig names, else by the rules of the environment, as in
    /// client-go.
    pub(super) fn new(config: &Config, user: ApiUser, env: &Env) -> Result<Self, RunError> {
        let server = Url::parse(&config.cluster_url.to_string());
        let server = server.map_err(RunError::at("the API server's address is not a URL"))?;
        let mut shown = format!("the API server {}", host_and_port(&server));
        let Some((proxy, named_by)) = proxy_for(config, &server, env) else {
            return Ok(Self {
                proxy: None,
                shown,
                user,
            });
        };
        let proxy = proxy.as_ref().and_then(Proxy::of).ok_or_else(|| {
            let text = format!("{shown}: the proxy in {named_by} is not an http:// address");
            RunError::new(text)
        })?;
        if let Some(address) = proxy.address.authority() {
            shown.push_str(&format!(" through the proxy {address} ({named_by})"));
        }
        Ok(Self {
            proxy: Some(proxy),
            shown,
            user,
        })
    }
}

/// The proxy for the server and what named it; instead of a proxy that is not a URL, `None`.
fn proxy_for(config: &Config, server: &Url, env: &Env) -> Option<(Option<Url>, &'static str)> {
    let named = config.proxy_url.as_ref().map(Uri::to_string);
    let named = named.filter(|named| named.trim_end_matches('/') != UNSET);
    if let Some(named) = named {
        return Some((Url::parse(&named).ok(), "the kubeconfig's proxy-url"));
    }
    match ProxyRules::from_env(env).proxy_for(server) {
        Ok(found) => found.map(|proxy| (Some(proxy.url.clone()), proxy.variable)),
        Err(variable) => Some((None, variable)),
    }
}

impl Proxy {
    /// `None` if its address is not an `http://` one.
    fn of(url: &Url) -> Option<Self> {
        let place = host_and_port(url);
        let address = format!("http://{place}").parse().ok();
        let address = address.filter(|_| url.scheme() == "http")?;
        let mut login: Vec<u8> = percent_decode_str(url.username()).collect();
        login.push(b':');
        login.extend(percent_decode_str(url.password().unwrap_or_default()));
        let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(&login)));
        if let Ok(value) = &mut value {
            value.set_sensitive(true);
            know_header(&PROXY_AUTHORIZATION, value);
        }
        Some(Self {
            address,
            authorization: value.ok().filter(|_| login != b":"),
        })
    }
}

/// A client that sends its requests this way.
pub(super) fn client(config: &Config, way: &Way) -> kube::Result<kube::Client> {
    let mut direct = HttpConnector::new_with_resolver(service_fn(sockets));
    direct.enforce_http(false);
    direct.set_connect_timeout(Some(CONNECT));
    let builder = Client::builder(TokioExecutor::new());
    let Some(proxy) = &way.proxy else {
        let connector = config.rustls_https_connector_with_connector(direct)?;
        return layered(config, builder.build(connector));
    };
    let mut tunnel = Tunnel::new(proxy.address.clone(), direct);
    if let Some(value) = &proxy.authorization {
        tunnel = tunnel.with_auth(value.clone());
    }
    let connector = config.rustls_https_connector_with_connector(tunnel)?;
    layered(config, builder.build(connector))
}

async fn sockets(name: Name) -> io::Result<std::vec::IntoIter<SocketAddr>> {
    let addresses = resolve(name.as_str()).await?;
    let sockets = addresses.into_iter().map(|address| (address, 0_u16).into());
    Ok(sockets.collect::<Vec<_>>().into_iter())
}

/// Adds the server's address, credentials and headers to each request.
fn layered<S, B>(config: &Config, service: S) -> kube::Result<kube::Client>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<BoxError>,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let base = config.base_uri_layer();
    let service = service.map_err(Into::into);
    // The API server may repeat the token that it refuses.
    let service = service.map_request(|request: Request<Body>| {
        if let Some(value) = request.headers().get(AUTHORIZATION) {
            know_header(&AUTHORIZATION, value);
        }
        request
    });
    let client = ClientBuilder::new(service, config.default_namespace.clone())
        .with_layer(&config.extra_headers_layer()?);
    Ok(match config.auth_layer()? {
        Some(credentials) => client.with_layer(&credentials).with_layer(&base).build(),
        None => client.with_layer(&base).build(),
    })
}

/// Set as the `proxy-url` of a kubeconfig that has none: kube does not read the environment then.
pub(super) const UNSET: &str = "http://unset.invalid";
/// For a connection, to the proxy if there is one. Each request has its own deadline.
const CONNECT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    fn way(vars: &[(&str, &str)], server: &str, named: Option<&str>) -> Result<String, String> {
        let mut config = Config::new(server.parse().expect("a URI"));
        config.proxy_url = named.map(|named| named.parse().expect("a URI"));
        let way = Way::new(&config, ApiUser::of_pod(), &Env::map(vars.iter().copied()));
        way.map(|way| way.shown).map_err(|error| error.to_string())
    }

    #[test]
    fn the_proxy_is_the_kubeconfigs_or_the_environments_unless_it_excepts_the_server() {
        let vars = [
            ("HTTPS_PROXY", "http://me:canary@proxy.corp:3128"),
            ("NO_PROXY", "10.0.0.0/8, .cluster.local,"),
        ];
        let direct = |server: &str| Ok(format!("the API server {server}"));
        let through = |server: &str, proxy: &str| {
            Ok(format!("the API server {server} through the proxy {proxy}"))
        };
        let by_env = "proxy.corp:3128 (HTTPS_PROXY)";
        for (server, named, expected) in [
            ("https://10.1.2.3:6443", None, direct("10.1.2.3:6443")),
            ("https://a.cluster.local", None, direct("a.cluster.local")),
            ("https://127.0.0.1:6443", None, direct("127.0.0.1:6443")),
            ("https://k8s.test", Some(UNSET), through("k8s.test", by_env)),
            (
                "https://k8s.test:6443",
                None,
                through("k8s.test:6443", by_env),
            ),
            (
                "https://10.1.2.3",
                Some("http://own:8080"),
                through("10.1.2.3", "own:8080 (the kubeconfig's proxy-url)"),
            ),
        ] {
            assert_eq!(way(&vars, server, named), expected, "{server} {named:?}");
        }
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_named_without_its_password() {
        let vars = [("HTTPS_PROXY", "socks5://me:canary@proxy.corp:1080")];
        let why = way(&vars, "https://k8s.test", None).expect_err("no http proxy");
        assert_eq!(
            why,
            "the API server k8s.test: the proxy in HTTPS_PROXY is not an http:// address"
        );
        let named = Some("https://me:canary@proxy.corp");
        let why = way(&[], "https://k8s.test", named).expect_err("no http proxy");
        assert!(
            why.contains("proxy-url") && !why.contains("canary"),
            "{why}"
        );
    }
}
