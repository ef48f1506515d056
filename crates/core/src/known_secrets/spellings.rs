//! In which forms others repeat a secret, and how a text reads without its escapes.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use secrecy::zeroize::Zeroizing;

/// What is in the base64 of every text that contains the secret: for each of the three places that its
/// beginning may have in a group, and in both alphabets.
pub(super) fn base64_parts(secret: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    let mut parts = Vec::new();
    for before in 0..3 {
        let mut text = Zeroizing::new(vec![0; before]);
        text.extend_from_slice(secret);
        let encoded = Zeroizing::new(STANDARD_NO_PAD.encode(&*text).into_bytes());
        // The characters that depend on what is before and after it are not in the part.
        let first = (before * 8).div_ceil(6);
        let end = text.len() * 8 / 6;
        let Some(part) = encoded.get(first..end) else {
            continue;
        };
        let for_urls = |byte: &u8| match byte {
            b'+' => b'-',
            b'/' => b'_',
            other => *other,
        };
        parts.push(Zeroizing::new(part.to_vec()));
        if part.contains(&b'+') || part.contains(&b'/') {
            parts.push(Zeroizing::new(part.iter().map(for_urls).collect()));
        }
    }
    parts
}

/// A text, or what it is without escapes, with the place of each byte in the text.
pub(super) struct Reading {
    pub(super) bytes: Vec<u8>,
    /// One more than bytes: the last is the end.
    places: Vec<usize>,
}

impl Reading {
    /// What was found in the reading, in the text.
    pub(super) fn place(&self, range: &Range<usize>) -> Range<usize> {
        self.places[range.start]..self.places[range.end]
    }

    /// The same without percent-encoding, backslashes and character references; `None` if it has none.
    fn unescaped(&self, plus_is_space: bool) -> Option<Self> {
        let mut bytes = Vec::with_capacity(self.bytes.len());
        let mut places = Vec::with_capacity(self.places.len());
        let mut at = 0;
        while let Some(rest) = self.bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let (read, length) = match escape(rest) {
                Some((read, length)) => (read, length),
                None if plus_is_space && rest[0] == b'+' => (' ', 1),
                None => (char::from(rest[0]), 0),
            };
            let mut buffer = [0; 4];
            let read = match length {
                // A byte of a character as it is.
                0 => &rest[..1],
                3 if rest[0] == b'%' => {
                    buffer[0] = u8::try_from(u32::from(read)).unwrap_or_default();
                    &buffer[..1]
                }
                _ => read.encode_utf8(&mut buffer).as_bytes(),
            };
            bytes.extend_from_slice(read);
            places.extend(std::iter::repeat_n(self.places[at], read.len()));
            at += length.max(1);
        }
        places.push(*self.places.last()?);
        (bytes != self.bytes).then_some(Self { bytes, places })
    }
}

/// The text as it is, and as it reads after its escapes are taken off, up to three times: JSON in JSON in a
/// URL.
pub(super) fn readings(text: &str) -> Vec<Reading> {
    let whole = Reading {
        bytes: text.as_bytes().to_vec(),
        places: (0..=text.len()).collect(),
    };
    let mut readings = Vec::new();
    readings.extend(
        whole
            .bytes
            .contains(&b'+')
            .then(|| whole.unescaped(true))
            .flatten(),
    );
    let mut next = Some(whole);
    while let Some(reading) = next {
        next = if readings.len() < MOST_READINGS {
            reading.unescaped(false)
        } else {
            None
        };
        readings.push(reading);
    }
    readings
}

/// The character that an escape stands for, and the escape's length.
fn escape(rest: &[u8]) -> Option<(char, usize)> {
    match rest {
        [b'%', digits @ ..] => Some((char::from_u32(hex(digits.get(..2)?)?)?, 3)),
        [b'\\', b'u', b'{', rest @ ..] => {
            let end = rest.iter().take(7).position(|byte| *byte == b'}')?;
            Some((char::from_u32(hex(&rest[..end])?)?, end + 4))
        }
        [b'\\', b'u', digits @ ..] => {
            let unit = hex(digits.get(..4)?)?;
            if let Some(c) = char::from_u32(unit) {
                return Some((c, 6));
            }
            let low = digits.get(4..10)?.strip_prefix(b"\\u")?;
            let pair = [u16::try_from(unit).ok()?, u16::try_from(hex(low)?).ok()?];
            let mut pair = char::decode_utf16(pair);
            Some((pair.next()?.ok()?, 12))
        }
        [b'\\', b'x', digits @ ..] => Some((char::from_u32(hex(digits.get(..2)?)?)?, 4)),
        [b'\\', letter, ..] => {
            let c = match letter {
                b'n' => '\n',
                b'r' => '\r',
                b't' => '\t',
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'"' | b'\'' | b'\\' | b'/' => char::from(*letter),
                _ => return None,
            };
            Some((c, 2))
        }
        [b'&', rest @ ..] => {
            let end = rest.iter().take(9).position(|byte| *byte == b';')?;
            let c = match &rest[..end] {
                b"amp" => '&',
                b"lt" => '<',
                b"gt" => '>',
                b"quot" => '"',
                b"apos" => '\'',
                [b'#', b'x' | b'X', digits @ ..] => char::from_u32(hex(digits)?)?,
                [b'#', digits @ ..] => {
                    let digits = std::str::from_utf8(digits).ok()?;
                    char::from_u32(digits.parse().ok()?)?
                }
                _ => return None,
            };
            Some((c, end + 2))
        }
        _ => None,
    }
}

fn hex(digits: &[u8]) -> Option<u32> {
    let digits = std::str::from_utf8(digits).ok()?;
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u32::from_str_radix(digits, 16).ok().filter(|_| is_hex)
}

const MOST_READINGS: usize = 4;
