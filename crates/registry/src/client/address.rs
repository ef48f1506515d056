//! Which addresses in the answers of a registry may be asked.

use std::net::{IpAddr, Ipv4Addr};

use regcred_http::{Url, is_link_local, is_loopback, plain};

/// Whether the host is a literal address that is not of the public internet: this machine, its
/// link, private networks, carrier networks (where a cloud has its metadata server), or none.
pub(crate) fn is_private(url: &Url) -> bool {
    is_loopback(url)
        || is_link_local(url)
        || address(url).is_some_and(|address| match address {
            IpAddr::V4(v4) => {
                let carrier = v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64;
                v4.is_private() || carrier || v4.is_unspecified() || v4.is_broadcast()
            }
            IpAddr::V6(v6) => v6.is_unspecified() || v6.is_unique_local(),
        })
}

/// Whether the host is a literal address of this machine, of its link, or of a metadata server.
pub(crate) fn is_inner(url: &Url) -> bool {
    is_loopback(url)
        || is_link_local(url)
        || address(url).is_some_and(|address| {
            address.is_unspecified() || address == IpAddr::V4(ALIBABA_METADATA)
        })
}

/// Whether both name the same host, whatever their ports.
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
    Some(address.to_canonical())
}

/// The longest name in DNS.
const LONGEST_HOST: usize = 253;
const ALIBABA_METADATA: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);
