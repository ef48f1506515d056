//! Which hosts are this machine or its link: they never go through a proxy, and only the former
//! may be given a secret over plain http.

use std::net::{IpAddr, Ipv6Addr};

use url::{Host, Url};

/// Whether the URL's host is this machine by its literal form: 127.0.0.0/8, `::1`, `localhost` or
/// a name below `.localhost`. No name is resolved, so `127.0.0.1.example.com` is not loopback.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            let parent = name.len().checked_sub(".localhost".len());
            name.eq_ignore_ascii_case("localhost")
                || parent.is_some_and(|at| {
                    name.get(at..)
                        .is_some_and(|tail| tail.eq_ignore_ascii_case(".localhost"))
                })
        }
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => unmapped(address).is_loopback(),
        None => false,
    }
}

/// Whether the URL's host is a literal address of the link, where clouds put their metadata
/// servers: 169.254.0.0/16, fe80::/10, and those of IPv6-only networks, which are EC2's fd00:ec2::/32,
/// Google's fd20:ce::/32 and Oracle's fd00:c1::/32.
#[must_use]
pub fn is_link_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => is_link_address(address.into()),
        Some(Host::Ipv6(address)) => is_link_address(unmapped(address)),
        _ => false,
    }
}

/// Whether an address is one of the link, as [`is_link_local`] lists them.
pub(crate) fn is_link_address(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => {
            let [first, second, ..] = address.segments();
            address.is_unicast_link_local() || METADATA_LINKS.contains(&[first, second])
        }
    }
}

/// `host`, or `host:port` where the port is not the scheme's: as the `Host` header has it.
#[must_use]
pub fn host_and_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// An address to which tokens and signatures may go: https, or http on this machine, without user
/// information and without a fragment. `None` for any other text.
#[must_use]
pub fn secure_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    (safe && !has_user(&url) && url.has_host() && url.fragment().is_none()).then_some(url)
}

/// Whether a URL has a user name or a password.
#[must_use]
pub fn has_user(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// `::ffff:127.0.0.1` is 127.0.0.1.
fn unmapped(address: Ipv6Addr) -> IpAddr {
    address
        .to_ipv4_mapped()
        .map_or(IpAddr::V6(address), IpAddr::V4)
}

const METADATA_LINKS: [[u16; 2]; 3] = [[0xfd00, 0xec2], [0xfd20, 0xce], [0xfd00, 0xc1]];

#[cfg(test)]
mod tests {
    use super::*;

    fn url(host: &str) -> Url {
        Url::parse(&format!("http://{host}/x")).expect(host)
    }

    #[test]
    fn loopback_is_decided_by_the_literal_form() {
        for host in [
            "127.0.0.1",
            "127.9.9.9:80",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "localhost",
            "LOCALHOST.",
            "a.localhost",
        ] {
            assert!(is_loopback(&url(host)), "{host}");
        }
        for host in [
            "127.0.0.1.example.com",
            "localhost.example.com",
            "notlocalhost",
            "10.0.0.1",
            "[::2]",
            "0.0.0.0",
        ] {
            assert!(!is_loopback(&url(host)), "{host}");
        }
    }

    #[test]
    fn secrets_only_go_to_https_and_to_this_machine() {
        for text in [
            "https://iam.cloud.ibm.com",
            "https://auth.corp:8443/v1?x=1",
            "http://127.0.0.1:8080/x",
            "http://localhost",
        ] {
            assert!(secure_url(text).is_some(), "{text}");
        }
        for text in [
            "http://iam.cloud.ibm.com",
            "http://127.0.0.1.evil.test",
            "https://u:p@auth.corp",
            "https://u@auth.corp",
            "https://:p@auth.corp",
            "https://auth.corp#x",
            "ftp://auth.corp",
            "auth.corp",
            "https://",
            "",
        ] {
            assert_eq!(secure_url(text), None, "{text}");
        }
    }

    #[test]
    fn the_schemes_own_port_is_not_written() {
        for (text, expected) in [
            ("https://a.io:443/x", "a.io"),
            ("http://a.io:443/x", "a.io:443"),
            ("https://[::1]:5000/", "[::1]:5000"),
        ] {
            assert_eq!(host_and_port(&Url::parse(text).expect("url")), expected);
        }
    }

    #[test]
    fn metadata_addresses_are_link_local() {
        for host in [
            "169.254.169.254",
            "169.254.170.23:80",
            "[fe80::1]",
            "[fd00:ec2::254]",
            "[fd00:ec2::23]",
            "[fd00:ec2:1::1]",
            "[fd20:ce::254]",
            "[fd00:c1::a9fe:a9fe]",
            "[::ffff:169.254.169.254]",
        ] {
            assert!(is_link_local(&url(host)), "{host}");
        }
        for host in [
            "10.0.0.1",
            "[fd00::1]",
            "[fd00:ec3::1]",
            "example.com",
            "127.0.0.1",
        ] {
            assert!(!is_link_local(&url(host)), "{host}");
        }
    }
}
