//! Which addresses in the answers of a registry may be asked. A literal address is judged here, those of a name
//! where it is looked up for the connection ([`NamedAddress::by`]).

use regcred_core::plain;
use regcred_http::{Network, Response, Url};

/// An address that a server named in its answer.
#[derive(Clone, Debug)]
pub(crate) struct NamedAddress {
    pub(crate) url: Url,
    /// The network of the server that named it; `None` at a host that no server named.
    pub(crate) by: Option<Network>,
}

/// Who named an address in this answer. Where it is at the answering host, that is who named the host.
pub(crate) fn named_by(response: &Response, url: &Url) -> Option<Network> {
    if same_host(response.url(), url) {
        response.named_by()
    } else {
        Some(response.network())
    }
}

/// Whether the host is a literal address that is not of the public internet.
pub(crate) fn is_private(url: &Url) -> bool {
    Network::of_literal(url).is_some_and(|network| network != Network::Public)
}

/// Whether the host is a literal address of this machine, of its link, or of a metadata server.
pub(crate) fn is_inner(url: &Url) -> bool {
    Network::of_literal(url).is_some_and(|network| network >= Network::Link)
}

/// Whether the host is a literal address of this machine.
pub(crate) fn is_here(url: &Url) -> bool {
    Network::of_literal(url) == Some(Network::Machine)
}

/// Whether both name the same host, on any port.
pub(crate) fn same_host(a: &Url, b: &Url) -> bool {
    a.host().is_some() && a.host() == b.host()
}

/// `host[:port]` for messages, bounded: a server may have chosen the name.
pub(crate) fn host_and_port(url: &Url) -> String {
    plain(&regcred_http::host_and_port(url), LONGEST_HOST)
}

/// The longest name in DNS.
const LONGEST_HOST: usize = 253;
