//! Where an address is, and to which addresses a server may lead that names a host.
//!
//! Any server can name any host, and the name servers of that host can name any address. A literal address
//! is judged before a request is sent; a name's addresses are judged where they are looked up for the
//! connection, so that no other address can take their place after the check.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::Url;

use crate::address::{is_link_address, is_loopback};

/// Where an address is, from outside to inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Network {
    /// The public internet.
    Public,
    /// A private network, or that of a carrier.
    Private,
    /// This machine's link, or a metadata server.
    Link,
    /// This machine: loopback, and the address that stands for none.
    Machine,
}

impl Network {
    /// The network of an address; one that is translated to another (NAT64, 6to4) has that of the other.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        let address = match address.to_canonical() {
            IpAddr::V6(v6) => translated(v6).map_or(IpAddr::V6(v6), IpAddr::V4),
            v4 => v4,
        };
        let is_private = match address {
            IpAddr::V4(v4) => {
                let is_carrier = v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64;
                v4.is_private() || is_carrier || v4.is_broadcast()
            }
            IpAddr::V6(v6) => v6.is_unique_local(),
        };
        if address.is_loopback() || address.is_unspecified() {
            Self::Machine
        } else if is_link_address(address) || address == IpAddr::V4(ALIBABA_METADATA) {
            Self::Link
        } else if is_private {
            Self::Private
        } else {
            Self::Public
        }
    }

    /// The network of a literal address, or of `localhost`; `None` for another name.
    #[must_use]
    pub fn of_literal(url: &Url) -> Option<Self> {
        if is_loopback(url) {
            return Some(Self::Machine);
        }
        let host = url.host_str()?.trim_matches(['[', ']']);
        host.parse().ok().map(Self::of)
    }

    /// Whether a server in this network may name a host in the other: one of its own network or of the public
    /// internet, and, from inside, one of a private network.
    #[must_use]
    pub fn may_name(self, named: Self) -> bool {
        let is_from_inside = self != Self::Public;
        named == Self::Public || named == self || (named == Self::Private && is_from_inside)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "the public internet",
            Self::Private => "a private network",
            Self::Link => "this machine's link or a metadata server",
            Self::Machine => "this machine",
        })
    }
}

/// An address of a named host that the server that named it may not lead to.
#[derive(Debug, thiserror::Error)]
#[error("{address} is an address of {}", Network::of(*address))]
pub(crate) struct InnerAddress {
    pub(crate) address: IpAddr,
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

const ALIBABA_METADATA: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);

#[cfg(test)]
mod tests {
    use super::Network::{Link, Machine, Private, Public};
    use super::*;

    #[test]
    fn a_literal_address_has_one_network_by_every_name() {
        for (host, expected) in [
            ("169.254.169.254", Link),
            ("2852039166", Link),
            ("0xa9fea9fe", Link),
            ("[::ffff:a9fe:a9fe]", Link),
            ("[fe80::1]", Link),
            ("[fd00:ec2::254]", Link),
            ("[fd20:ce::254]", Link),
            ("[fd00:c1::a9fe:a9fe]", Link),
            ("100.100.100.200", Link),
            ("127.0.0.1", Machine),
            ("[::1]", Machine),
            ("[::ffff:127.0.0.1]", Machine),
            ("0.0.0.0", Machine),
            ("[::]", Machine),
            ("localhost", Machine),
            ("10.0.0.1", Private),
            ("172.16.0.1", Private),
            ("192.168.1.1", Private),
            ("100.64.0.1", Private),
            ("[fd12::1]", Private),
            ("255.255.255.255", Private),
            ("8.8.8.8", Public),
            ("172.32.0.1", Public),
            ("[2606:4700::1]", Public),
        ] {
            let url = Url::parse(&format!("https://{host}/token")).expect(host);
            assert_eq!(Network::of_literal(&url), Some(expected), "{host}");
        }
        let url = Url::parse("https://127.0.0.1.example.com/").expect("URL");
        assert_eq!(Network::of_literal(&url), None);
    }

    #[test]
    fn an_address_that_is_translated_has_the_network_of_the_other() {
        for (address, expected) in [
            ("64:ff9b::a9fe:a9fe", Link),
            ("64:ff9b:1::169.254.169.254", Link),
            ("64:ff9b::100.100.100.200", Link),
            ("2002:a9fe:a9fe::", Link),
            ("64:ff9b::127.0.0.1", Machine),
            ("64:ff9b:1:2:3:4:7f00:1", Machine),
            ("64:ff9b::0.0.0.0", Machine),
            ("2002:7f00:1::1", Machine),
            ("64:ff9b::10.0.0.1", Private),
            ("64:ff9b::c0a8:101", Private),
            ("2002:a00:1::", Private),
            ("64:ff9b::8.8.8.8", Public),
            ("2002:808:808::1", Public),
        ] {
            let parsed = address.parse().expect(address);
            assert_eq!(Network::of(parsed), expected, "{address}");
        }
    }

    #[test]
    fn a_server_leads_outwards_to_its_own_network_and_from_inside_to_private_ones() {
        let all = [Public, Private, Link, Machine];
        for (by, allowed) in [
            (Public, vec![Public]),
            (Private, vec![Public, Private]),
            (Link, vec![Public, Private, Link]),
            (Machine, vec![Public, Private, Machine]),
        ] {
            let may: Vec<_> = all.into_iter().filter(|one| by.may_name(*one)).collect();
            assert_eq!(may, allowed, "{by:?}");
        }
    }
}
