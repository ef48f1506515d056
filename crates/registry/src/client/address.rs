//! Which addresses in the answers of a registry may be asked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use regcred_core::plain;
use regcred_http::{Url, is_link_local, is_loopback};

/// Whether the host is a literal address that is not of the public internet: this machine, its
/// link, private networks, carrier networks (where a cloud has its metadata server), or none.
pub(crate) fn is_private(url: &Url) -> bool {
    is_loopback(url)
        || is_link_local(url)
        || address(url).is_some_and(|address| match address {
            IpAddr::V4(v4) => {
                let carrier = v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64;
                let here = v4.is_loopback() || v4.is_link_local();
                here || v4.is_private() || carrier || v4.is_unspecified() || v4.is_broadcast()
            }
            IpAddr::V6(v6) => v6.is_unspecified() || v6.is_unique_local(),
        })
}

/// Whether the host is a literal address of this machine, of its link, or of a metadata server.
pub(crate) fn is_inner(url: &Url) -> bool {
    is_loopback(url)
        || is_link_local(url)
        || address(url).is_some_and(|address| {
            let here = match address {
                IpAddr::V4(v4) => v4.is_loopback() || v4.is_link_local(),
                IpAddr::V6(_) => false,
            };
            here || address.is_unspecified() || address == IpAddr::V4(ALIBABA_METADATA)
        })
}

/// Whether the host is a literal address of this machine.
pub(crate) fn is_here(url: &Url) -> bool {
    let is_any = |address: IpAddr| address.is_unspecified() || address.is_loopback();
    is_loopback(url) || address(url).is_some_and(is_any)
}

/// Whether both name the same host, on any port.
pub(crate) fn same_host(a: &Url, b: &Url) -> bool {
    a.host().is_some() && a.host() == b.host()
}

/// `host[:port]` for messages, bounded: a server may have chosen the name.
pub(crate) fn host_and_port(url: &Url) -> String {
    plain(&regcred_http::host_and_port(url), LONGEST_HOST)
}

fn address(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?.trim_matches(['[', ']']);
    let address: IpAddr = host.parse().ok()?;
    Some(match address.to_canonical() {
        IpAddr::V6(v6) => translated(v6).map_or(IpAddr::V6(v6), IpAddr::V4),
        v4 => v4,
    })
}

/// The IPv4 address that a network translates this one to: NAT64, by its well-known and its local
/// prefix (RFC 6052, RFC 8215), and 6to4 (RFC 3056).
fn translated(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b] = match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, a, b] | [0x64, 0xff9b, 1, _, _, _, a, b] => [a, b],
        [0x2002, a, b, ..] => [a, b],
        _ => return None,
    };
    Some(Ipv4Addr::from(u32::from(a) << 16 | u32::from(b)))
}

/// The longest name in DNS.
const LONGEST_HOST: usize = 253;
const ALIBABA_METADATA: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);

#[cfg(test)]
mod tests {
    use super::*;

    fn url(host: &str) -> Url {
        Url::parse(&format!("https://{host}/token")).expect(host)
    }

    #[test]
    fn metadata_servers_are_inner_addresses_by_every_name() {
        for host in [
            "169.254.169.254",
            "2852039166",
            "0xa9fea9fe",
            "[::ffff:a9fe:a9fe]",
            "[fd00:ec2::254]",
            "[fd20:ce::254]",
            "[fd00:c1::a9fe:a9fe]",
            "100.100.100.200",
        ] {
            assert!(is_inner(&url(host)) && is_private(&url(host)), "{host}");
            assert!(!is_here(&url(host)), "{host}");
        }
        for host in [
            "127.0.0.1",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "0.0.0.0",
            "[::]",
            "localhost",
        ] {
            assert!(is_here(&url(host)), "{host}");
        }
    }

    #[test]
    fn an_address_that_a_network_translates_has_the_rules_of_its_target() {
        for host in [
            "[64:ff9b::a9fe:a9fe]",
            "[64:ff9b::169.254.169.254]",
            "[64:ff9b::127.0.0.1]",
            "[64:ff9b:1::169.254.169.254]",
            "[64:ff9b:1:2:3:4:7f00:1]",
            "[64:ff9b::100.100.100.200]",
            "[64:ff9b::0.0.0.0]",
            "[2002:7f00:1::1]",
            "[2002:a9fe:a9fe::]",
        ] {
            assert!(is_inner(&url(host)) && is_private(&url(host)), "{host}");
        }
        for host in [
            "[64:ff9b::10.0.0.1]",
            "[64:ff9b::c0a8:101]",
            "[2002:a00:1::]",
        ] {
            assert!(is_private(&url(host)) && !is_inner(&url(host)), "{host}");
        }
        for host in ["[64:ff9b::8.8.8.8]", "[2002:808:808::1]", "[2606:4700::1]"] {
            assert!(!is_private(&url(host)) && !is_inner(&url(host)), "{host}");
        }
    }
}
