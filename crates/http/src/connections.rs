//! The connections of a client. Those to hosts that servers named are kept apart from the others, and by the
//! network of the server: each may lead to other addresses.

use std::sync::OnceLock;
use std::time::Duration;

use rustls::ClientConfig;

use crate::error::{HttpError, Reason};
use crate::names::Names;
use crate::network::Network;
use crate::proxy::ProxyRules;
use crate::{ClientOptions, tls};

/// Makes reqwest's clients, each with its own connections.
pub(crate) struct Connections {
    user_agent: String,
    connect_timeout: Duration,
    tls: ClientConfig,
    proxy: ProxyRules,
    names: Names,
    /// To hosts that no server named.
    known: reqwest::Client,
    /// To hosts that servers named, by the networks of these.
    named: [OnceLock<reqwest::Client>; 4],
}

impl Connections {
    pub(crate) fn new(
        options: &ClientOptions,
        proxy: &ProxyRules,
        names: &Names,
    ) -> Result<Self, HttpError> {
        let tls = tls::client_config(options)
            .map_err(|error| HttpError::early(Reason::Identity(error)))?;
        let known = build(
            options.connect_timeout,
            &options.user_agent,
            &tls,
            proxy,
            names,
        );
        Ok(Self {
            user_agent: options.user_agent.clone(),
            connect_timeout: options.connect_timeout,
            tls,
            proxy: proxy.clone(),
            names: names.clone(),
            known: known.map_err(|error| HttpError::early(Reason::Setup(error)))?,
            named: Default::default(),
        })
    }

    /// The client for a host that a server in this network named; `None` for any other host.
    pub(crate) fn to(&self, named_by: Option<Network>) -> Result<&reqwest::Client, Reason> {
        let Some(network) = named_by else {
            return Ok(&self.known);
        };
        let place = &self.named[network as usize];
        if let Some(client) = place.get() {
            return Ok(client);
        }
        let names = self.names.named_by(network);
        let client = build(
            self.connect_timeout,
            &self.user_agent,
            &self.tls,
            &self.proxy,
            &names,
        );
        let client = client.map_err(Reason::Setup)?;
        Ok(place.get_or_init(|| client))
    }
}

fn build(
    connect_timeout: Duration,
    user_agent: &str,
    tls: &ClientConfig,
    proxy: &ProxyRules,
    names: &Names,
) -> Result<reqwest::Client, reqwest::Error> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that builds a client"
    )]
    let builder = reqwest::Client::builder();
    let mut builder = builder
        .user_agent(user_agent)
        .connect_timeout(connect_timeout)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .tcp_nodelay(true)
        // HTTP/2 would put all layers of an image on one connection.
        .http1_only()
        .tls_backend_preconfigured(tls.clone())
        .dns_resolver(names.clone())
        .no_proxy();
    if !proxy.is_empty() {
        let rules = proxy.clone();
        builder = builder.proxy(reqwest::Proxy::custom(move |url| {
            Some(rules.proxy_for(url).ok().flatten()?.url.clone())
        }));
    }
    builder.build()
}
