//! DNS messages (RFC 1035 section 4): a query for addresses, and what counts of its response.

use std::net::{IpAddr, Ipv6Addr};

/// Which addresses a query is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Record {
    A,
    Aaaa,
}

/// A response to a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Response {
    /// The RCODE: 0 for success, 3 if the name does not exist.
    pub(super) code: u8,
    /// Whether answers were left out because the message would be too long.
    pub(super) is_truncated: bool,
    /// Whether the server neither knows the answer nor asks others for it.
    pub(super) is_lame: bool,
    /// Of the name, or of the name that it is an alias of: servers list both.
    pub(super) addresses: Vec<IpAddr>,
}

/// What is not a response that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// It is not the response to this query: another one's, or a forged one.
    Foreign,
    /// It breaks off, or contradicts itself.
    Malformed,
}

/// A query for a full name, without a dot at its end; `None` if it cannot be a domain name.
pub(super) fn query(id: u16, name: &str, record: Record) -> Option<Vec<u8>> {
    if name.len() > LONGEST_NAME {
        return None;
    }
    let mut message = Vec::with_capacity(HEADER + name.len() + 6);
    message.extend(id.to_be_bytes());
    message.extend([RECURSION_DESIRED, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.split('.') {
        let length = u8::try_from(label.len()).ok();
        message.push(length.filter(|length| (1..=LONGEST_LABEL).contains(length))?);
        message.extend(label.as_bytes());
    }
    message.push(0);
    message.extend([0, record.number(), 0, INTERNET]);
    Some(message)
}

/// The response to a query that [`query`] made.
pub(super) fn response(message: &[u8], query: &[u8]) -> Result<Response, Unusable> {
    let header = message.get(..HEADER).ok_or(Unusable::Foreign)?;
    let is_response = header[2] & 0xf8 == RESPONSE && header[..2] == query[..2];
    let question = message.get(HEADER..query.len());
    let is_echo = header[4..6] == [0, 1]
        && question.is_some_and(|question| question.eq_ignore_ascii_case(&query[HEADER..]));
    if !is_response || !is_echo {
        return Err(Unusable::Foreign);
    }
    let code = header[3] & 0x0f;
    let is_truncated = header[2] & TRUNCATED != 0;
    let answers = u16::from_be_bytes([header[6], header[7]]);
    // What follows a cut may be anything.
    let addresses = if is_truncated {
        Vec::new()
    } else {
        addresses(message, query, answers).ok_or(Unusable::Malformed)?
    };
    let knows = header[2] & AUTHORITATIVE != 0 || header[3] & RECURSION_AVAILABLE != 0;
    Ok(Response {
        code,
        is_truncated,
        is_lame: code == 0 && answers == 0 && !knows,
        addresses,
    })
}

/// Unmarks a message that came over TCP: the server has no more to send, and what it sent counts, as for
/// glibc and Go.
pub(super) fn whole(message: &mut [u8]) {
    if let Some(flags) = message.get_mut(2) {
        *flags &= !TRUNCATED;
    }
}

fn addresses(message: &[u8], query: &[u8], answers: u16) -> Option<Vec<IpAddr>> {
    let mut found = Vec::new();
    let mut rest = message.get(query.len()..)?;
    for _ in 0..answers {
        rest = after_name(rest)?;
        let (fields, data) = rest.split_at_checked(10)?;
        let length = usize::from(u16::from_be_bytes([fields[8], fields[9]]));
        let (data, next) = data.split_at_checked(length)?;
        rest = next;
        // Type and class are those of the question.
        if fields[..4] == query[query.len() - 4..] {
            found.push(address(data)?);
        }
    }
    Some(found)
}

fn address(data: &[u8]) -> Option<IpAddr> {
    let v4 = || <[u8; 4]>::try_from(data).map(IpAddr::from).ok();
    let v6 = || <[u8; 16]>::try_from(data).map(Ipv6Addr::from).ok();
    v4().or_else(|| v6().map(IpAddr::V6))
}

/// Skips a name. A pointer ends it, so that no loop of pointers is followed.
fn after_name(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        let (length, label) = rest.split_first()?;
        match length {
            0 => return Some(label),
            0xc0.. => return label.get(1..),
            1..=LONGEST_LABEL => rest = label.get(usize::from(*length)..)?,
            _ => return None,
        }
    }
}

impl Record {
    fn number(self) -> u8 {
        match self {
            Self::A => 1,
            Self::Aaaa => 28,
        }
    }
}

const HEADER: usize = 12;
const RESPONSE: u8 = 0x80;
const AUTHORITATIVE: u8 = 0x04;
const TRUNCATED: u8 = 0x02;
const RECURSION_DESIRED: u8 = 0x01;
const RECURSION_AVAILABLE: u8 = 0x80;
const INTERNET: u8 = 1;
const LONGEST_LABEL: u8 = 63;
const LONGEST_NAME: usize = 253;

#[cfg(test)]
mod tests;
