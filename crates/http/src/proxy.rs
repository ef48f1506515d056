//! The proxy rules of the environment, as Go programs read them (golang.org/x/net/http/httpproxy).

use std::fmt;
use std::net::IpAddr;

use percent_encoding::percent_decode_str;
use regcred_core::{Env, know_secret};
use url::{Host, Url};

use crate::{has_user, host_and_port, is_link_local, is_loopback};

/// A proxy that a variable names. `Display` is `host:port (VARIABLE)`, without user and password.
#[derive(Clone)]
pub struct EnvProxy {
    /// The variable's name.
    pub variable: &'static str,
    /// Its address, which may have a user and a password.
    pub url: Url,
}

impl EnvProxy {
    /// Whether the variable has a user or a password.
    pub(crate) fn has_login(&self) -> bool {
        has_user(&self.url)
    }
}

impl fmt::Display for EnvProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { variable, url } = self;
        let scheme = if url.scheme() == "https" {
            "https://"
        } else {
            ""
        };
        write!(f, "{scheme}{} ({variable})", host_and_port(url))
    }
}

impl fmt::Debug for EnvProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Which proxy a URL goes through.
#[derive(Clone, Debug, Default)]
pub struct ProxyRules {
    http: Option<Result<EnvProxy, &'static str>>,
    https: Option<Result<EnvProxy, &'static str>>,
    except: Vec<Exception>,
    everything_direct: bool,
}

impl ProxyRules {
    /// Reads the variables. A value that is not a proxy is reported when it would be used.
    #[must_use]
    pub fn from_env(env: &Env) -> Self {
        let first = |names: [&'static str; 2]| {
            names
                .into_iter()
                .find_map(|name| env.get(name).map(|value| (name, value)))
        };
        // A web server passes a request's `Proxy:` header to CGI programs as HTTP_PROXY.
        let cgi = env.get("REQUEST_METHOD").is_some();
        let http =
            first(["HTTP_PROXY", "http_proxy"]).filter(|(name, _)| !cgi || *name == "http_proxy");
        let https = first(["HTTPS_PROXY", "https_proxy"]);
        let address = |(variable, value): (&'static str, &str)| {
            let url = proxy_url(value).ok_or(variable)?;
            know_password(&url);
            Ok(EnvProxy { variable, url })
        };
        let (_, except) = first(["NO_PROXY", "no_proxy"]).unwrap_or_default();
        let items = except.split([',', ' ']).map(str::trim);
        Self {
            http: http.map(address),
            https: https.map(address),
            except: items.clone().filter_map(Exception::parse).collect(),
            everything_direct: items.clone().any(|item| item == "*"),
        }
    }

    /// Whether nothing ever goes through a proxy.
    pub(crate) fn is_empty(&self) -> bool {
        self.http.is_none() && self.https.is_none()
    }

    /// The proxy for a URL; `None` for a direct connection.
    ///
    /// # Errors
    /// The name of the variable whose value is not an http or https URL.
    pub fn proxy_for(&self, url: &Url) -> Result<Option<&EnvProxy>, &'static str> {
        let proxy = match url.scheme() {
            "http" => &self.http,
            "https" => &self.https,
            _ => &None,
        };
        let direct = || {
            self.everything_direct
                || is_loopback(url)
                || is_link_local(url)
                || url.host_str().is_some_and(|host| {
                    NEVER_PROXIED.contains(&host.strip_suffix('.').unwrap_or(host))
                })
                || self.except.iter().any(|e| e.matches(url))
        };
        match proxy {
            Some(proxy) if !direct() => proxy.as_ref().map(Some).map_err(|name| *name),
            _ => Ok(None),
        }
    }
}

/// A proxy may repeat the password that it refuses.
fn know_password(proxy: &Url) {
    if let Some(password) = proxy.password() {
        know_secret(&percent_decode_str(password).decode_utf8_lossy());
    }
}

/// One item of `NO_PROXY`.
#[derive(Clone, Debug)]
enum Exception {
    /// A network; one address is a network with the full prefix.
    Network {
        address: IpAddr,
        prefix: u8,
        port: Option<u16>,
    },
    /// A domain: the names below it, and itself unless it was written with a leading dot.
    Domain {
        name: String,
        itself: bool,
        port: Option<u16>,
    },
}

impl Exception {
    fn parse(item: &str) -> Option<Self> {
        if item.is_empty() || item == "*" {
            return None;
        }
        if let Some((address, prefix)) = item.split_once('/') {
            let address: IpAddr = address.parse().ok()?;
            let prefix = prefix.parse().ok().filter(|p| *p <= full_prefix(address))?;
            return Some(Self::Network {
                address,
                prefix,
                port: None,
            });
        }
        let network = |address: IpAddr, port| Self::Network {
            address,
            prefix: full_prefix(address),
            port,
        };
        if let Ok(address) = item.parse() {
            return Some(network(address, None));
        }
        let (host, port) = match item.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (item, None),
        };
        if let Ok(address) = host.trim_matches(['[', ']']).parse() {
            return Some(network(address, port));
        }
        let host = host.strip_prefix('*').unwrap_or(host).to_ascii_lowercase();
        let (name, itself) = match host.strip_prefix('.') {
            Some(name) => (name.to_owned(), false),
            None => (host, true),
        };
        Some(Self::Domain { name, itself, port })
    }

    fn matches(&self, url: &Url) -> bool {
        let same_port = |port: &Option<u16>| port.is_none() || *port == url.port_or_known_default();
        match (self, url.host()) {
            (
                Self::Network {
                    address,
                    prefix,
                    port,
                },
                Some(Host::Ipv4(host)),
            ) => same_port(port) && within(*address, *prefix, IpAddr::V4(host)),
            (
                Self::Network {
                    address,
                    prefix,
                    port,
                },
                Some(Host::Ipv6(host)),
            ) => same_port(port) && within(*address, *prefix, IpAddr::V6(host)),
            (Self::Domain { name, itself, port }, Some(Host::Domain(host))) => {
                let host = host.strip_suffix('.').unwrap_or(host);
                let below = host
                    .strip_suffix(name.as_str())
                    .is_some_and(|rest| rest.ends_with('.'));
                same_port(port) && (below || (*itself && host == name))
            }
            _ => false,
        }
    }
}

fn full_prefix(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn within(network: IpAddr, prefix: u8, address: IpAddr) -> bool {
    let wide = |address: IpAddr| match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()) << 96,
        IpAddr::V6(v6) => v6.to_bits(),
    };
    let shift = 128 - u32::from(prefix);
    network.is_ipv4() == address.is_ipv4()
        && (wide(network) ^ wide(address))
            .checked_shr(shift)
            .unwrap_or(0)
            == 0
}

/// `host:port` counts as `http://host:port`.
fn proxy_url(value: &str) -> Option<Url> {
    let url = if value.contains("://") {
        Url::parse(value)
    } else {
        Url::parse(&format!("http://{value}"))
    };
    url.ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// Names of link-local metadata servers.
const NEVER_PROXIED: [&str; 2] = ["metadata.google.internal", "metadata.goog"];

#[cfg(test)]
mod tests {
    use super::*;

    fn proxied(rules: &ProxyRules, url: &str) -> bool {
        let url = Url::parse(url).expect(url);
        rules.proxy_for(&url).expect("sound rules").is_some()
    }

    fn with_exceptions(no_proxy: &str) -> ProxyRules {
        ProxyRules::from_env(&Env::map([
            ("HTTPS_PROXY", "proxy.corp:3128"),
            ("HTTP_PROXY", "http://proxy.corp:3128"),
            ("NO_PROXY", no_proxy),
        ]))
    }

    #[test]
    fn each_scheme_has_its_variable_and_upper_case_wins() {
        let rules = ProxyRules::from_env(&Env::map([
            ("HTTPS_PROXY", "http://a:1"),
            ("https_proxy", "http://b:1"),
        ]));
        let url = Url::parse("https://gcr.io/").expect("url");
        let proxy = rules.proxy_for(&url).expect("sound").expect("some");
        assert_eq!(proxy.to_string(), "a:1 (HTTPS_PROXY)");
        assert!(!proxied(&rules, "http://gcr.io/"));
    }

    #[test]
    fn this_machine_and_its_link_are_never_proxied() {
        let rules = with_exceptions("");
        for url in [
            "http://127.0.0.1:5000/",
            "http://localhost/",
            "https://[::1]/",
            "http://169.254.169.254/latest",
            "http://[fd00:ec2::254]/",
            "http://[fe80::1]/",
            "http://metadata.google.internal/computeMetadata/v1/",
            "http://metadata.google.internal./computeMetadata/v1/",
        ] {
            assert!(!proxied(&rules, url), "{url}");
        }
        assert!(proxied(&rules, "http://10.0.0.1/"));
    }

    #[test]
    fn exceptions_have_the_forms_of_go() {
        for (item, direct, through) in [
            ("corp.com", "https://corp.com/", "https://xcorp.com/"),
            ("corp.com", "https://a.corp.com/", "https://corp.com.evil/"),
            (".corp.com", "https://a.corp.com/", "https://corp.com/"),
            ("*.corp.com", "https://a.b.corp.com/", "https://corp.com/"),
            (
                "corp.com:8443",
                "https://corp.com:8443/",
                "https://corp.com/",
            ),
            ("10.0.0.0/8", "https://10.2.3.4/", "https://11.0.0.1/"),
            ("10.1.1.1", "https://10.1.1.1:5000/", "https://10.1.1.2/"),
            ("fd00::/16", "https://[fd00::9]/", "https://[fe00::9]/"),
            ("x, Corp.com", "https://corp.com/", "https://y/"),
        ] {
            let rules = with_exceptions(item);
            assert!(!proxied(&rules, direct), "{item}: {direct}");
            assert!(proxied(&rules, through), "{item}: {through}");
        }
        assert!(!proxied(&with_exceptions("*"), "https://any.example/"));
    }

    #[test]
    fn a_wrong_value_is_reported_by_its_variable_when_it_would_be_used() {
        let rules = ProxyRules::from_env(&Env::map([("HTTPS_PROXY", "socks5://u:canary@p:1")]));
        let url = Url::parse("https://gcr.io/").expect("url");
        assert_eq!(rules.proxy_for(&url).err(), Some("HTTPS_PROXY"));
        assert!(!proxied(&rules, "https://127.0.0.1/"));
    }

    #[test]
    fn a_cgi_request_cannot_set_a_proxy() {
        let rules = ProxyRules::from_env(&Env::map([
            ("HTTP_PROXY", "http://evil:1"),
            ("REQUEST_METHOD", "GET"),
        ]));
        assert!(!proxied(&rules, "http://gcr.io/"));
    }
}
