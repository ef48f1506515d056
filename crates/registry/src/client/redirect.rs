//! Where an answer may send a request.
//!
//! A redirect is followed without any secret, and blobs are verified by their digest, so private
//! addresses are allowed: registries of inner networks keep their blobs there. This machine and
//! metadata servers are refused.

use regcred_http::{Network, Response, Url, has_user, header};

use super::address::{NamedAddress, is_here, is_inner, named_by, same_host};

/// The target of a redirect: `None` for another answer, the reason if it may not be followed. What
/// is written is repeated only where the status demands it.
pub(crate) fn target(
    response: &Response,
    is_write: bool,
) -> Option<Result<NamedAddress, &'static str>> {
    match response.status().as_u16() {
        307 | 308 => location(response),
        301..=303 if !is_write => location(response),
        _ => None,
    }
}

/// The address in an answer's `Location`, and the reason if no request may be sent to it.
pub(crate) fn location(response: &Response) -> Option<Result<NamedAddress, &'static str>> {
    let from = response.url();
    let location = ascii(response.headers().get(header::LOCATION)?.as_bytes());
    let Ok(next) = from.join(&location) else {
        return Some(Err("its Location is not a URL"));
    };
    Some(match next.scheme() {
        "https" | "http" if !next.has_host() => Err("it names no host"),
        "http" if from.scheme() == "https" => Err("it leads from https to http"),
        "https" | "http" if has_user(&next) => Err("its address holds user information"),
        "https" | "http" if is_inner(&next) && !may_lead_inside(from, &next) => {
            Err("it leads to an address of this machine or its link")
        }
        "https" | "http" => Ok(NamedAddress {
            // Private networks are allowed to all.
            by: named_by(response, &next).map(|network| network.max(Network::Private)),
            url: next,
        }),
        _ => Err("it is neither http nor https"),
    })
}

/// Whether a server of this machine or its link leads to itself, or one of this machine to another.
fn may_lead_inside(from: &Url, next: &Url) -> bool {
    same_host(from, next) || (is_here(from) && is_here(next))
}

/// A `Location` may not hold other bytes, but some do: a file's name in UTF-8 or Latin-1. As in Go,
/// the server gets the bytes back that it sent.
fn ascii(location: &[u8]) -> String {
    let byte = |byte: &u8| match byte {
        0..=0x7f => char::from(*byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    location.iter().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_ascii_go_back_as_they_came() {
        assert_eq!(ascii(b"/a?b=c%20d"), "/a?b=c%20d");
        assert_eq!(ascii("/caf\u{e9}".as_bytes()), "/caf%C3%A9");
        assert_eq!(ascii(b"/caf\xe9"), "/caf%E9");
    }
}
