//! The encodings in which YAML is read.

use std::borrow::Cow;

use crate::error::DecodeError;

/// UTF-8, or UTF-16 with a byte order mark.
pub(super) fn decode(input: &[u8]) -> Result<Cow<'_, str>, DecodeError> {
    let unit: fn([u8; 2]) -> u16 = match input {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => {
            let text = std::str::from_utf8(input);
            let refused = |_| DecodeError::new("yaml: invalid leading UTF-8 octet");
            return text.map(Cow::Borrowed).map_err(refused);
        }
    };
    let (pairs, odd) = input[2..].as_chunks::<2>();
    if !odd.is_empty() {
        return Err(DecodeError::new("yaml: incomplete UTF-16 character"));
    }
    let text = char::decode_utf16(pairs.iter().map(|pair| unit(*pair)));
    let text: Result<String, _> = text.collect();
    let text = text.map_err(|_| DecodeError::new("yaml: unexpected low surrogate area"))?;
    Ok(Cow::Owned(text))
}
