//! Host and path of a URL as Go's `net/url` reads them after `https://`, with its error sentences.

use crate::netip;
use crate::quote::{go_quote, go_quote_bytes, go_text};

/// The parts of a URL that the kubelet compares, with escapes resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoUrl {
    /// With its port; an IPv6 literal in its brackets.
    pub host: String,
    /// With its leading slash; may be empty.
    pub path: String,
}

impl GoUrl {
    /// Reads the text after `https://`. Login, query and fragment are checked and dropped.
    ///
    /// # Errors
    /// Go's sentence.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let fail = |text: &str, reason: String| UrlError {
            url: go_quote(&format!("https://{text}")),
            reason,
        };
        let (plain, fragment) = text.split_once('#').unwrap_or((text, ""));
        let url = Self::without_fragment(plain).map_err(|why| fail(plain, why))?;
        unescape(fragment, Part::Other).map_err(|why| fail(text, why))?;
        Ok(url)
    }

    fn without_fragment(text: &str) -> Result<Self, String> {
        if text.bytes().any(|b| b < 0x20 || b == 0x7f) {
            return Err("net/url: invalid control character in URL".to_owned());
        }
        let text = text.split_once('?').map_or(text, |(before, _)| before);
        let (authority, path) = text.split_at(text.find('/').unwrap_or(text.len()));
        let (login, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        let host = read_host(host)?;
        check_login(login)?;
        let path = unescape(path, Part::Other).map(go_text)?;
        Ok(Self { host, path })
    }
}

/// Splits host and port as `net.SplitHostPort` does; the port is empty where Go returns an error.
#[must_use]
pub fn split_port(host: &str) -> (&str, &str) {
    let split = || {
        let (name, port) = host.rsplit_once(':')?;
        let name = match name.strip_prefix('[') {
            Some(literal) => literal.strip_suffix(']')?,
            None if name.contains(':') || port.contains('[') => return None,
            None => name,
        };
        (!name.contains(['[', ']']) && !port.contains(']')).then_some((name, port))
    };
    split().unwrap_or((host, ""))
}

/// A text that Go's URL parser refuses. Displays as Go's error, with the URL in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("parse {url}: {reason}")]
pub struct UrlError {
    /// In quotes.
    url: String,
    reason: String,
}

impl UrlError {
    /// The violated rule, without the URL, which may contain a login.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// The part of a URL to unescape, as far as the rules differ.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Host,
    Zone,
    Other,
}

fn read_host(host: &str) -> Result<String, String> {
    let Some(bracket) = host.rfind('[') else {
        if let Some(colon) = host.find(':') {
            check_port(&host[colon..])?;
        }
        return unescape(host, Part::Host).map(go_text);
    };
    if bracket > 0 {
        return Err("invalid IP-literal".to_owned());
    }
    let Some(end) = host.rfind(']') else {
        return Err("missing ']' in host".to_owned());
    };
    let port = &host[end + 1..];
    check_port(port)?;
    let inside = &host[1..end];
    let (address, zone) = inside.split_at(inside.find("%25").unwrap_or(inside.len()));
    let mut address = unescape(address, Part::Host)?;
    address.extend(unescape(zone, Part::Zone)?);
    match netip::check(&address) {
        Ok(()) => Ok(format!("[{}]{port}", go_text(address))),
        Err(None) => Err("invalid IP-literal".to_owned()),
        Err(Some(why)) => Err(format!("invalid host: {why}")),
    }
}

fn check_port(port: &str) -> Result<(), String> {
    let is_port = |digits: &str| digits.bytes().all(|b| b.is_ascii_digit());
    if port.is_empty() || port.strip_prefix(':').is_some_and(is_port) {
        return Ok(());
    }
    Err(format!("invalid port {} after host", go_quote(port)))
}

fn check_login(login: &str) -> Result<(), String> {
    let fine = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
    if !login.chars().all(fine) {
        return Err("net/url: invalid userinfo".to_owned());
    }
    let (name, password) = login.split_once(':').unwrap_or((login, ""));
    unescape(name, Part::Other)?;
    unescape(password, Part::Other)?;
    Ok(())
}

/// Resolves `%XX`. In a host, only bytes outside ASCII may be escaped, and the percent sign before a
/// zone.
fn unescape(text: &str, part: Part) -> Result<Vec<u8>, String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if *byte != b'%' {
            if part != Part::Other && byte.is_ascii() && !is_host_byte(*byte) {
                let shown = go_quote(&char::from(*byte).to_string());
                return Err(format!("invalid character {shown} in host name"));
            }
            out.push(*byte);
            at += 1;
            continue;
        }
        let escape = &bytes[at..bytes.len().min(at + 3)];
        let value = hex_value(escape).filter(|value| match part {
            Part::Other => true,
            Part::Host => *value >= 0x80 || *value == b'%',
            Part::Zone => matches!(value, b'%' | b' ') || is_host_byte(*value),
        });
        let Some(value) = value else {
            let shown = go_quote_bytes(escape);
            return Err(format!("invalid URL escape {shown}"));
        };
        out.push(value);
        at += 3;
    }
    Ok(out)
}

fn hex_value(escape: &[u8]) -> Option<u8> {
    let &[_, high, low] = escape else {
        return None;
    };
    let digit = |b: u8| char::from(b).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_path_are_read_as_go_reads_them() {
        for (text, host, path) in [
            ("h.io", "h.io", ""),
            ("h.io:5000/a%20b?c#d", "h.io:5000", "/a b"),
            ("h.io:", "h.io:", ""),
            ("u:p%20w@h.io/a", "h.io", "/a"),
            ("u@v@h.io", "h.io", ""),
            ("h%c3%a9.io", "hé.io", ""),
            ("h%25.io", "h%.io", ""),
            ("[fe80::1]:80/a", "[fe80::1]:80", "/a"),
            ("[fe80::1%25e%20n]", "[fe80::1%e n]", ""),
            ("h].io", "h].io", ""),
            ("", "", ""),
            ("/a%2Fb", "", "/a/b"),
            ("h.io?%zz", "h.io", ""),
        ] {
            let url = GoUrl::parse(text).expect(text);
            assert_eq!((&*url.host, &*url.path), (host, path), "{text}");
        }
    }

    #[test]
    fn what_go_refuses_has_its_sentence() {
        for (text, why) in [
            ("h%2eio", "invalid URL escape \"%2e\""),
            ("h%zz", "invalid URL escape \"%zz\""),
            ("h/%4", "invalid URL escape \"%4\""),
            ("h#%4", "invalid URL escape \"%4\""),
            ("u%zz@h", "invalid URL escape \"%zz\""),
            ("u p@h", "net/url: invalid userinfo"),
            ("a[b", "invalid IP-literal"),
            ("[1.2.3.4]", "invalid IP-literal"),
            ("[ab", "missing ']' in host"),
            (
                "[ab]",
                "invalid host: ParseAddr(\"ab\"): unable to parse IP",
            ),
            (
                "[:%c3]",
                "invalid host: ParseAddr(\":\\xc3\"): each colon-separated field must have at least \
                 one digit (at \":\\xc3\")",
            ),
            ("[::1]x", "invalid port \"x\" after host"),
            ("[::1%25%2f]", "invalid URL escape \"%2f\""),
            ("h:50:60", "invalid port \":50:60\" after host"),
            ("a b", "invalid character \" \" in host name"),
            ("h\u{1}", "net/url: invalid control character in URL"),
        ] {
            let error = GoUrl::parse(text).expect_err(text);
            assert_eq!(error.reason(), why, "{error}");
            let quoted = go_quote(&format!("https://{text}"));
            assert_eq!(error.to_string(), format!("parse {quoted}: {why}"));
        }
        // The fragment is named only where it is to blame.
        let error = GoUrl::parse("a b#c").expect_err("blank").to_string();
        assert!(error.starts_with("parse \"https://a b\": "), "{error}");
    }

    #[test]
    fn ports_come_off_as_go_takes_them() {
        for (host, name, port) in [
            ("h.io:80", "h.io", "80"),
            ("h.io:", "h.io", ""),
            ("h.io", "h.io", ""),
            ("[fe80::1]:80", "fe80::1", "80"),
            ("[fe80::1]", "[fe80::1]", ""),
            ("h].io:80", "h].io:80", ""),
        ] {
            assert_eq!(split_port(host), (name, port), "{host}");
        }
    }
}
