//! Where an answer may send us.
//!
//! A redirect is followed without any secret, and blobs are proven by their digest, so private
//! addresses are let through: registries of inner networks keep their blobs there. This machine
//! and metadata servers are not.

use regcred_http::{Response, Url, header};

use super::address::is_inner;

/// Where an answer leads: `None` if it is no redirect, the reason if it may not be followed.
pub(crate) fn target(answer: &Response) -> Option<Result<Url, &'static str>> {
    if !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let from = answer.url();
    let location = answer.headers().get(header::LOCATION)?.to_str().ok();
    let Some(next) = location.and_then(|location| from.join(location).ok()) else {
        return Some(Err("its Location is no URL"));
    };
    Some(match next.scheme() {
        "https" | "http" if !next.has_host() => Err("it names no host"),
        "http" if from.scheme() == "https" => Err("it leads from https to http"),
        "https" | "http" if !next.username().is_empty() || next.password().is_some() => {
            Err("its address holds user information")
        }
        "https" | "http" if is_inner(&next) && !is_inner(from) => {
            Err("it leads to an address of this machine or its link")
        }
        "https" | "http" => Ok(next),
        _ => Err("it is neither http nor https"),
    })
}
