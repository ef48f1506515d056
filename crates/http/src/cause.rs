//! Why a request got no response: reads the chain of errors below reqwest.

use std::error::Error;
use std::fmt;
use std::io;

use rustls::InvalidMessage;

use crate::network::{InnerAddress, Network};
use crate::roots::RootsError;
use crate::target::Target;
use crate::tls;

/// What stopped a request and where, and the innermost cause as text: the layers between only
/// repeat it.
#[derive(Debug)]
pub(crate) struct Cause {
    pub(crate) what: Failure,
    /// Whether the connection to the proxy failed, and not the one to the server.
    pub(crate) is_at_proxy: bool,
    text: String,
}

/// The step at which a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    Dns,
    ResolveTimeout,
    /// The name leads to an address in this network, where the server that named it may not lead.
    Inside(Network),
    Connect,
    /// Nothing listens at the port.
    Refused,
    ConnectTimeout,
    Tls,
    /// The handshake was answered in another protocol.
    NotTls,
    Trust,
    /// The trusted roots cannot be used: those that a file or variable names, or none were found.
    Roots {
        is_named: bool,
    },
    /// The proxy requires a login, or another one.
    ProxyLogin,
    /// The proxy did not connect to the server.
    Tunnel,
    Broken,
    NotHttp,
    /// The process, or the machine, has no file descriptor left.
    Descriptors,
}

/// How a request goes to its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Direct,
    /// Plain http, which a proxy receives instead of the server.
    Forwarded,
    /// https, through a tunnel that a proxy opens.
    Tunnelled,
}

impl Cause {
    pub(crate) fn of(error: reqwest::Error, route: Route) -> Self {
        let error = error.without_url();
        let mut chain: Vec<&(dyn Error + 'static)> = Vec::new();
        let mut next: Option<&(dyn Error + 'static)> = Some(&error);
        while let Some(error) = next {
            chain.push(error);
            next = error.source();
        }
        let tls = chain.iter().find_map(|error| tls_error(*error));
        let inner = chain
            .iter()
            .find_map(|error| error.downcast_ref::<InnerAddress>());
        let starts = |start: &str| chain.iter().any(|e| e.to_string().starts_with(start));
        // hyper-util's messages; the type has no public name.
        let at_tunnel = route == Route::Tunnelled && starts("tunnel error: ");
        let inside = at_tunnel && !starts("tunnel error: failed to create underlying connection");
        let what = match tls {
            Some(rustls::Error::Other(other)) if other.0.is::<RootsError>() => Failure::Roots {
                is_named: !matches!(other.0.downcast_ref(), Some(RootsError::Missing)),
            },
            Some(rustls::Error::InvalidCertificate(_)) => Failure::Trust,
            Some(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)) => {
                Failure::NotTls
            }
            Some(_) => Failure::Tls,
            None if chain.iter().any(|e| lacks_descriptors(*e)) => Failure::Descriptors,
            None if inside && starts("tunnel error: proxy authorization") => Failure::ProxyLogin,
            None if inside => Failure::Tunnel,
            None if error.is_dns() => inner.map_or(Failure::Dns, |inner| {
                Failure::Inside(Network::of(inner.address))
            }),
            None if error.is_connect() && error.is_timeout() => Failure::ConnectTimeout,
            None if error.is_connect() && chain.iter().any(|e| is_refusal(*e)) => Failure::Refused,
            None if error.is_connect() => Failure::Connect,
            // hyper's message for bytes that are not an HTTP/1 response, such as a TLS alert.
            None if starts("invalid HTTP") => Failure::NotHttp,
            None => Failure::Broken,
        };
        let innermost = chain.last().map(ToString::to_string).unwrap_or_default();
        let text = match (tls, what) {
            (Some(rustls::Error::Other(other)), _) => regcred_core::report(&*other.0),
            (Some(tls), _) => tls::words(tls),
            (None, Failure::Descriptors) => format!("{innermost}, see ulimit -n"),
            (None, Failure::ProxyLogin) => "it answered 407 to CONNECT".to_owned(),
            (None, _) => match innermost.as_str() {
                "tls handshake eof" => HANDSHAKE_ENDED.to_owned(),
                "tunnel error: unsuccessful" => NO_TUNNEL.to_owned(),
                "tunnel error: unexpected end of file" => NO_ANSWER.to_owned(),
                _ => innermost,
            },
        };
        Self {
            what,
            is_at_proxy: at_tunnel || (route == Route::Forwarded && error.is_connect()),
            text,
        }
    }

    /// A connection without TLS that broke after it was made.
    pub(crate) fn broken(error: &(dyn Error + 'static)) -> Self {
        let mut innermost = error;
        while let Some(next) = innermost.source() {
            innermost = next;
        }
        let is_http = !error.to_string().starts_with("invalid HTTP");
        Self {
            what: if is_http {
                Failure::Broken
            } else {
                Failure::NotHttp
            },
            is_at_proxy: false,
            text: innermost.to_string(),
        }
    }

    /// A name that was not resolved in time.
    pub(crate) fn unresolved(is_at_proxy: bool, text: String) -> Self {
        Self {
            what: Failure::ResolveTimeout,
            is_at_proxy,
            text,
        }
    }

    /// The answer 407 of a proxy in place of the server's.
    pub(crate) fn proxy_login() -> Self {
        Self {
            what: Failure::ProxyLogin,
            is_at_proxy: true,
            text: "it answered 407".to_owned(),
        }
    }

    /// Whether the name leads where the server that named it may not lead.
    pub(crate) fn leads_inside(&self) -> bool {
        matches!(self.what, Failure::Inside(_))
    }

    /// Whether the same request may get a response a little later.
    pub(crate) fn is_passing(&self) -> bool {
        match self.what {
            Failure::Connect
            | Failure::Refused
            | Failure::ConnectTimeout
            | Failure::ResolveTimeout
            | Failure::Tunnel
            | Failure::Broken => true,
            // "Temporary failure in name resolution" (glibc), "Try again" (musl), "temporary failure" (ours).
            Failure::Dns => self.text.contains("emporary") || self.text.contains("ry again"),
            Failure::Inside(_)
            | Failure::Tls
            | Failure::NotTls
            | Failure::Trust
            | Failure::Roots { .. }
            | Failure::ProxyLogin
            | Failure::NotHttp
            | Failure::Descriptors => false,
        }
    }

    /// What a person can do about it; `None` where the text has it.
    pub(crate) fn next_step(&self) -> Option<&'static str> {
        Some(match self.what {
            Failure::Roots { is_named: false } => "install ca-certificates, or set SSL_CERT_FILE",
            Failure::Roots { is_named: true } => "name a file of PEM certificates",
            Failure::Descriptors => "raise the limit of open files",
            Failure::ProxyLogin => {
                "write the proxy's user and password into the variable, special characters \
                 percent-encoded"
            }
            Failure::Tunnel => "the log of the proxy has the reason",
            _ if self.is_at_proxy => AT_PROXY,
            Failure::Inside(Network::Private) => {
                "a token server of a private network needs the registry's address in a hosts.toml"
            }
            Failure::Inside(_) => "ask the operators of the server that named it",
            Failure::Dns | Failure::ResolveTimeout => {
                "check the server's name, and the name servers of this machine"
            }
            _ if self.text == HANDSHAKE_ENDED => {
                "for a server of plain http write an http:// address in a hosts.toml"
            }
            Failure::Connect | Failure::Refused => {
                "check host and port, and that a server runs there"
            }
            Failure::ConnectTimeout => {
                "check routes and firewalls; where a proxy leads out, set HTTPS_PROXY"
            }
            Failure::Trust if self.text.contains("SSL_CERT_FILE") => return None,
            Failure::Trust => "correct the server's certificate, or this machine's clock",
            Failure::Tls => "the log of the server has the reason",
            Failure::NotTls => "check the port; a server of plain http needs an http:// address",
            Failure::NotHttp => "check the port",
            Failure::Broken => "try again later",
        })
    }

    /// The step that failed, with the host or proxy where it failed.
    pub(crate) fn write_step(&self, target: &Target, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = target.host();
        match (
            self.what,
            target.proxy.as_ref().filter(|_| self.is_at_proxy),
        ) {
            (Failure::Dns, None) => write!(f, "cannot resolve {host}"),
            (Failure::Dns, Some(proxy)) => {
                write!(f, "cannot resolve the name of the proxy {proxy}")
            }
            (Failure::ResolveTimeout, None) => write!(f, "resolving {host} took too long"),
            (Failure::ResolveTimeout, Some(proxy)) => {
                write!(f, "resolving the name of the proxy {proxy} took too long")
            }
            (Failure::Inside(_), _) => write!(f, "{host} leads to an inner address"),
            (Failure::Descriptors, _) => f.write_str("cannot open a connection"),
            (Failure::Connect | Failure::Refused, None) => f.write_str("cannot connect"),
            (Failure::Connect | Failure::Refused, Some(proxy)) => {
                write!(f, "cannot connect to the proxy {proxy}")
            }
            (Failure::ConnectTimeout, None) => f.write_str("connecting took too long"),
            (Failure::ConnectTimeout, Some(proxy)) => {
                write!(f, "connecting to the proxy {proxy} took too long")
            }
            (Failure::Tls | Failure::NotTls, None) => f.write_str("TLS failed"),
            (Failure::Tls | Failure::NotTls, Some(proxy)) => {
                write!(f, "TLS with the proxy {proxy} failed")
            }
            (Failure::Trust, None) => f.write_str("the server's certificate is not trusted"),
            (Failure::Trust, Some(proxy)) => {
                write!(f, "the certificate of the proxy {proxy} is not trusted")
            }
            (Failure::ProxyLogin, Some(proxy)) if proxy.has_login() => {
                write!(
                    f,
                    "the proxy {proxy} did not accept the user and password there"
                )
            }
            (Failure::ProxyLogin, Some(proxy)) => write!(
                f,
                "the proxy {proxy} requires a user and password in {}",
                proxy.variable
            ),
            (Failure::Tunnel, Some(proxy)) => {
                write!(f, "the proxy {proxy} did not connect to {host}")
            }
            (Failure::Roots { .. }, _) => f.write_str("no certificate can be verified"),
            (Failure::NotHttp, _) => {
                f.write_str("the response is not HTTP; the server may expect https")
            }
            (Failure::Broken | Failure::Tunnel | Failure::ProxyLogin, _) => {
                f.write_str("the connection broke")
            }
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for Cause {}

/// tokio-rustls wraps its errors in an `io::Error`, and hyper-rustls wraps that in another one.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    error.downcast_ref::<rustls::Error>().or_else(|| {
        let inner = error.downcast_ref::<io::Error>()?.get_ref()?;
        tls_error(inner)
    })
}

fn is_refusal(error: &(dyn Error + 'static)) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

/// EMFILE and ENFILE, which have no kind of their own.
fn lacks_descriptors(error: &(dyn Error + 'static)) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| matches!(error.raw_os_error(), Some(23 | 24)))
}

/// What a person can do about a proxy that cannot be reached.
pub const AT_PROXY: &str = "correct the variable, or list the server in NO_PROXY";
const HANDSHAKE_ENDED: &str = "the connection was closed during the TLS handshake";
const NO_TUNNEL: &str = "it answered CONNECT with an error or with something that is not HTTP";
const NO_ANSWER: &str = "it closed the connection without an answer to CONNECT";
