//! Standard base64 as Go's `encoding/base64` decodes it: line breaks are skipped, surplus bits of the
//! last character are ignored, and an error names the byte.

use crate::error::DecodeError;

/// Decodes a text that is padded, or one that is not.
///
/// # Errors
/// With Go's sentence.
pub fn decode_base64(text: &str, padded: bool) -> Result<Vec<u8>, DecodeError> {
    let input = text.as_bytes();
    let mut out = Vec::with_capacity(input.len() / 4 * 3 + 3);
    let mut at = 0;
    while at < input.len() {
        at = quantum(input, at, padded, &mut out)
            .map_err(|at| DecodeError::new(format!("illegal base64 data at input byte {at}")))?;
    }
    Ok(out)
}

/// Decodes one group of up to four characters; returns the offset after it. The error is the offset of
/// the offending byte.
fn quantum(input: &[u8], mut at: usize, padded: bool, out: &mut Vec<u8>) -> Result<usize, usize> {
    let mut bits = 0_u32;
    let mut count = 0;
    while count < 4 {
        let Some(byte) = input.get(at) else {
            match count {
                0 => return Ok(at),
                1 => return Err(at - 1),
                _ if padded => return Err(at - count),
                _ => break,
            }
        };
        at += 1;
        if let Some(value) = value_of(*byte) {
            bits = bits << 6 | u32::from(value);
            count += 1;
            continue;
        }
        if is_break(byte) {
            continue;
        }
        if *byte != b'=' || !padded || count < 2 {
            return Err(at - 1);
        }
        if count == 2 {
            at = after_breaks(input, at);
            match input.get(at) {
                None => return Err(input.len()),
                Some(b'=') => at += 1,
                Some(_) => return Err(at - 1),
            }
        }
        at = after_breaks(input, at);
        if at < input.len() {
            return Err(at);
        }
        break;
    }
    let bits = bits << (6 * (4 - count));
    let [_, bytes @ ..] = bits.to_be_bytes();
    out.extend_from_slice(&bytes[..count - 1]);
    Ok(at)
}

fn value_of(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

fn is_break(byte: &u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

fn after_breaks(input: &[u8], at: usize) -> usize {
    at + input[at..].iter().take_while(|b| is_break(b)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_decoded_as_go_does() {
        for (text, padded, expected) in [
            ("", true, Ok("")),
            ("dTpw", true, Ok("u:p")),
            ("dTpwdTpw", false, Ok("u:pu:p")),
            ("dXM6cA==", true, Ok("us:p")),
            ("dXM6cB==", true, Ok("us:p")),
            ("dXM6cA", false, Ok("us:p")),
            ("dXM6\r\ncA=\n=\n", true, Ok("us:p")),
            ("dXM6cA\n", false, Ok("us:p")),
            ("dXM6cA=", true, Err(7)),
            ("dXM6cA===", true, Err(8)),
            ("dTpw=", true, Err(4)),
            ("dTpw ", false, Err(4)),
            (" dTpw", false, Err(0)),
            ("dXM6cA==x", true, Err(8)),
            ("dXM6cA=x=", true, Err(6)),
            ("d", false, Err(0)),
            ("dXM6c", false, Err(4)),
            ("dX", true, Err(0)),
            ("=", true, Err(0)),
            ("dT=", false, Err(2)),
        ] {
            let found = decode_base64(text, padded).map_err(|error| error.to_string());
            let expected = match expected {
                Ok(text) => Ok(text.as_bytes().to_vec()),
                Err(at) => Err(format!("illegal base64 data at input byte {at}")),
            };
            assert_eq!(found, expected, "{text}");
        }
    }
}
