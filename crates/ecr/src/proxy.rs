//! Which requests go through a proxy. Never those to loopback and link-local addresses: the
//! metadata services live there, and their answers are credentials.

use std::net::IpAddr;

use aws_smithy_http_client::proxy::ProxyConfig;
use regcred_core::Env;

/// The proxies that the environment names, by the scheme of the request.
#[derive(Clone, Default)]
pub(crate) struct Proxies {
    https: Option<String>,
    http: Option<String>,
    except: Option<String>,
}

/// A proxy variable whose value is no proxy URL. The value may hold a password and is not shown.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the proxy variables name no http:// or https:// proxy for {scheme} requests")]
pub(crate) struct ProxyError {
    scheme: &'static str,
}

impl Proxies {
    /// Reads the usual variables; the upper-case name wins, as in Go.
    pub(crate) fn from_env(env: &Env) -> Self {
        let first = |names: &[&str]| names.iter().find_map(|n| env.get(n)).map(str::to_owned);
        Self {
            https: first(&["HTTPS_PROXY", "https_proxy"]),
            http: first(&["HTTP_PROXY", "http_proxy"]),
            except: first(&["NO_PROXY", "no_proxy"]),
        }
    }

    /// Whether a request of this scheme has a proxy at all.
    pub(crate) fn apply_to(&self, https: bool) -> bool {
        if https {
            self.https.is_some()
        } else {
            self.http.is_some()
        }
    }

    /// The configuration for connections of one scheme.
    pub(crate) fn config(&self, https: bool) -> Result<ProxyConfig, ProxyError> {
        let (url, scheme) = if https {
            (&self.https, "https")
        } else {
            (&self.http, "http")
        };
        let Some(url) = url else {
            return Ok(ProxyConfig::disabled());
        };
        let url = if url.contains("://") {
            url.clone()
        } else {
            format!("http://{url}")
        };
        let config = if https {
            ProxyConfig::https(url)
        } else {
            ProxyConfig::http(url)
        };
        let config = config.map_err(|_| ProxyError { scheme })?;
        Ok(match &self.except {
            Some(rules) => config.no_proxy(rules),
            None => config,
        })
    }
}

/// Whether an address is of this machine or of its link, where metadata services answer.
pub(crate) fn is_local(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_link_local(),
        Ok(IpAddr::V6(ip)) => {
            // fd00:ec2::/32 carries EC2's services on IPv6-only subnets.
            ip.is_loopback() || ip.is_unicast_link_local() || ip.segments()[..2] == [0xfd00, 0xec2]
        }
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_addresses_are_local() {
        for host in [
            "169.254.169.254",
            "169.254.170.23",
            "127.0.0.1",
            "[::1]",
            "[fd00:ec2::254]",
            "fe80::1",
            "localhost",
        ] {
            assert!(is_local(host), "{host}");
        }
        for host in [
            "api.ecr.eu-west-1.amazonaws.com",
            "10.0.0.1",
            "[fd00:ec3::1]",
        ] {
            assert!(!is_local(host), "{host}");
        }
    }

    #[test]
    fn proxies_are_read_by_scheme() {
        let proxies = Proxies::from_env(&Env::map([("HTTPS_PROXY", "proxy.corp:3128")]));
        assert!(proxies.apply_to(true) && !proxies.apply_to(false));
        assert!(!proxies.config(true).expect("sound").is_disabled());
        assert!(proxies.config(false).expect("none").is_disabled());
    }

    #[test]
    fn a_bad_proxy_is_an_error_that_hides_the_value() {
        let proxies = Proxies::from_env(&Env::map([("https_proxy", "socks5://me:canary@p")]));
        let error = proxies.config(true).expect_err("socks").to_string();
        assert!(!error.contains("canary"), "{error}");
    }
}
