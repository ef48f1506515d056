//! Addresses in the brackets of a host, as Go's `net/netip.ParseAddr` reads them, with its sentences.

use crate::quote::go_quote_bytes;

/// Checks an address.
///
/// # Errors
/// Go's sentence; `None` for a valid IPv4 address, which does not belong in brackets.
pub(crate) fn check(text: &[u8]) -> Result<(), Option<String>> {
    match text.iter().find(|b| matches!(b, b'.' | b':' | b'%')) {
        Some(b'.') => Err(check_v4(text, text).err()),
        Some(b':') => check_v6(text).map_err(Some),
        Some(_) => Err(Some(refused(text, "missing IPv6 address"))),
        None => Err(Some(refused(text, "unable to parse IP"))),
    }
}

/// Checks an IPv4 address at the end of `whole`.
fn check_v4(whole: &[u8], part: &[u8]) -> Result<(), String> {
    let fail = |why: &str| Err(refused(whole, why));
    let (mut value, mut digits, mut dots) = (0, 0, 0);
    for (index, byte) in part.iter().enumerate() {
        let rest = &part[index..];
        match byte {
            b'0'..=b'9' => {
                if digits == 1 && value == 0 {
                    return fail("IPv4 field has octet with leading zero");
                }
                value = value * 10 + u32::from(byte - b'0');
                digits += 1;
                if value > 255 {
                    return fail("IPv4 field has value >255");
                }
            }
            b'.' => {
                if index == 0 || index + 1 == part.len() || part[index - 1] == b'.' {
                    let why = "IPv4 field must have at least one digit";
                    return Err(refused_at(whole, why, rest));
                }
                if dots == 3 {
                    return fail("IPv4 address too long");
                }
                dots += 1;
                (value, digits) = (0, 0);
            }
            _ => return Err(refused_at(whole, "unexpected character", rest)),
        }
    }
    if dots < 3 {
        return fail("IPv4 address too short");
    }
    Ok(())
}

fn check_v6(whole: &[u8]) -> Result<(), String> {
    let fail_at = |why: &str, at: &[u8]| Err(refused_at(whole, why, at));
    let mut rest = whole;
    if let Some(percent) = whole.iter().position(|b| *b == b'%') {
        if percent + 1 == whole.len() {
            return Err(refused(whole, "zone must be a non-empty string"));
        }
        rest = &whole[..percent];
    }
    let mut ellipsis = rest.starts_with(b"::");
    if ellipsis {
        rest = &rest[2..];
        if rest.is_empty() {
            return Ok(());
        }
    }
    let mut fields = 0;
    while fields < 8 {
        let digits = rest.iter().take_while(|b| b.is_ascii_hexdigit()).count();
        if digits > 4 {
            return fail_at("each group must have 4 or less digits", rest);
        }
        if digits == 0 {
            let why = "each colon-separated field must have at least one digit";
            return fail_at(why, rest);
        }
        if rest.get(digits) == Some(&b'.') {
            if !ellipsis && fields != 6 {
                let why = "embedded IPv4 address must replace the final 2 fields of the address";
                return fail_at(why, rest);
            }
            if fields + 2 > 8 {
                let why = "too many hex fields to fit an embedded IPv4 at the end of the address";
                return fail_at(why, rest);
            }
            check_v4(whole, rest)?;
            rest = &[];
            fields += 2;
            break;
        }
        fields += 1;
        rest = &rest[digits..];
        if rest.is_empty() {
            break;
        }
        let Some(after) = rest.strip_prefix(b":") else {
            return fail_at("unexpected character, want colon", rest);
        };
        if after.is_empty() {
            return fail_at("colon must be followed by more characters", rest);
        }
        rest = after;
        if let Some(after) = rest.strip_prefix(b":") {
            if ellipsis {
                return fail_at("multiple :: in address", rest);
            }
            ellipsis = true;
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
    }
    if !rest.is_empty() {
        return fail_at("trailing garbage after address", rest);
    }
    let why = match (fields < 8, ellipsis) {
        (true, false) => "address string too short",
        (false, true) => "the :: must expand to at least one field of zeros",
        _ => return Ok(()),
    };
    Err(refused(whole, why))
}

fn refused(text: &[u8], why: &str) -> String {
    format!("ParseAddr({}): {why}", go_quote_bytes(text))
}

fn refused_at(text: &[u8], why: &str, at: &[u8]) -> String {
    format!("{} (at {})", refused(text, why), go_quote_bytes(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_the_rest() {
        for text in [
            "::",
            "::1",
            "1::",
            "fe80::1",
            "1:2:3:4:5:6:7:8",
            "::ffff:1.2.3.4",
            "1:2:3:4:5:6:1.2.3.4",
            "fe80::1%en0",
        ] {
            assert_eq!(check(text.as_bytes()), Ok(()), "{text}");
        }
        assert_eq!(check(b"1.2.3.4"), Err(None));
    }

    #[test]
    fn what_is_refused_has_gos_sentence() {
        for (text, why) in [
            ("", "ParseAddr(\"\"): unable to parse IP"),
            ("%x", "ParseAddr(\"%x\"): missing IPv6 address"),
            ("::%", "ParseAddr(\"::%\"): zone must be a non-empty string"),
            (
                "1::2::3",
                "ParseAddr(\"1::2::3\"): multiple :: in address (at \":3\")",
            ),
            (
                "12345::",
                "ParseAddr(\"12345::\"): each group must have 4 or less digits (at \"12345::\")",
            ),
            (
                "::256.1.1.1",
                "ParseAddr(\"::256.1.1.1\"): IPv4 field has value >255",
            ),
            ("1:2", "ParseAddr(\"1:2\"): address string too short"),
            (
                "1:2:3:4:5:6:7:8:9",
                "ParseAddr(\"1:2:3:4:5:6:7:8:9\"): trailing garbage after address (at \"9\")",
            ),
            (
                "1:",
                "ParseAddr(\"1:\"): colon must be followed by more characters (at \":\")",
            ),
        ] {
            assert_eq!(check(text.as_bytes()), Err(Some(why.to_owned())), "{text}");
        }
    }
}
