//! The options of a client.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use regcred_core::{Clock, Env};
use secrecy::SecretSlice;

/// How a [`Client`](crate::Client) connects, whom it trusts and how long it waits.
#[derive(Clone)]
pub struct ClientOptions {
    /// Value of `User-Agent`.
    pub user_agent: String,
    /// Time for name resolution, TCP and TLS together. 10 s by default.
    pub connect_timeout: Duration,
    /// Longest time without a byte: until the response's head, and between two pieces of its body.
    /// 30 s by default.
    pub idle_timeout: Duration,
    /// Whether requests go through the proxies of the environment.
    pub proxy: Proxy,
    /// The trusted roots. By default those of `SSL_CERT_FILE`, else the distribution's.
    pub ca_bundle: Option<CaBundle>,
    /// More trusted roots, each a PEM text with one or several certificates.
    pub extra_ca_pem: Vec<Vec<u8>>,
    /// Client certificate chain and private key as one PEM text, for servers that request it.
    pub client_identity_pem: Option<SecretSlice<u8>>,
    /// Accepts every server certificate. For registries an operator marked so, never by default.
    pub danger_skip_verify: bool,
    /// Accepts every certificate of this machine: `localhost`, 127.0.0.0/8, `::1`. For registries there,
    /// never by default.
    pub danger_skip_verify_here: bool,
    /// Addresses of names (in lower case), used instead of DNS; TLS still verifies the name. The port counts where a URL has none. Not for names that a proxy resolves.
    pub resolve: Vec<(String, Vec<SocketAddr>)>,
    /// The environment in which proxies and trust are looked up.
    pub env: Env,
    /// The clock that reads dates in `Retry-After`.
    pub clock: Clock,
}

impl ClientOptions {
    /// The defaults, with this environment.
    #[must_use]
    pub fn new(env: &Env) -> Self {
        Self {
            user_agent: concat!("regcred/", env!("CARGO_PKG_VERSION")).to_owned(),
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(30),
            proxy: Proxy::Env,
            ca_bundle: None,
            extra_ca_pem: Vec::new(),
            client_identity_pem: None,
            danger_skip_verify: false,
            danger_skip_verify_here: false,
            resolve: Vec::new(),
            env: env.clone(),
            clock: Clock::system(),
        }
    }
}

impl fmt::Debug for ClientOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientOptions")
            .field("user_agent", &self.user_agent)
            .field("proxy", &self.proxy)
            .field("ca_bundle", &self.ca_bundle)
            .field("extra_ca_pem", &self.extra_ca_pem.len())
            .field("client_identity", &self.client_identity_pem.is_some())
            .field("danger_skip_verify", &self.danger_skip_verify)
            .field("danger_skip_verify_here", &self.danger_skip_verify_here)
            .field("resolve", &self.resolve)
            .finish_non_exhaustive()
    }
}

/// A PEM file with trusted roots. It is read at the first TLS handshake, and must then hold at least
/// one certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaBundle {
    /// The file.
    pub path: PathBuf,
    /// The variable or file that names it, for messages.
    pub named_by: &'static str,
}

/// Where proxies come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proxy {
    /// `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` of the environment, upper case first.
    Env,
    /// No proxy: for servers that are only reachable directly.
    None,
}
