//! JSON read and written as Go's `encoding/json` does: the same syntax, the same replacement of
//! bad UTF-8, the same error sentences, the same escapes.

mod write;

pub use write::{Members, object, object_line, string, string_list};

use crate::error::DecodeError;
use crate::quote::go_quote;
use crate::value::Value;

/// Reads one JSON value with nothing but white space around it.
///
/// # Errors
/// Go's sentence for a syntax error. It shows at most one character of the input.
pub fn parse(input: &[u8]) -> Result<Value, DecodeError> {
    let mut scanner = Scanner {
        input,
        at: 0,
        depth: 0,
    };
    let value = scanner.value()?;
    match scanner.next_visible() {
        None => Ok(value),
        Some(_) => Err(scanner.unexpected("after top-level value")),
    }
}

struct Scanner<'a> {
    input: &'a [u8],
    at: usize,
    depth: usize,
}

impl Scanner<'_> {
    fn value(&mut self) -> Result<Value, DecodeError> {
        const WHERE: &str = "looking for beginning of value";
        match self.next_visible() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => Ok(Value::Text(self.string()?.into())),
            Some(b't') => self.literal("true", Value::Bool(true)),
            Some(b'f') => self.literal("false", Value::Bool(false)),
            Some(b'n') => self.literal("null", Value::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.unexpected(WHERE)),
        }
    }

    fn nested(
        &mut self,
        read: fn(&mut Self) -> Result<Value, DecodeError>,
    ) -> Result<Value, DecodeError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(DecodeError::new("exceeded max depth"));
        }
        self.at += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn object(&mut self) -> Result<Value, DecodeError> {
        let mut members = Vec::new();
        if self.next_visible() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(members));
        }
        loop {
            if self.next_visible() != Some(b'"') {
                return Err(self.unexpected("looking for beginning of object key string"));
            }
            let key = self.string()?;
            if self.next_visible() != Some(b':') {
                return Err(self.unexpected("after object key"));
            }
            self.at += 1;
            members.push((key, self.value()?));
            match self.next_visible() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Value::Object(members));
                }
                _ => return Err(self.unexpected("after object key:value pair")),
            }
        }
    }

    fn array(&mut self) -> Result<Value, DecodeError> {
        let mut items = Vec::new();
        if self.next_visible() == Some(b']') {
            self.at += 1;
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value()?);
            match self.next_visible() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Value::Array(items));
                }
                _ => return Err(self.unexpected("after array element")),
            }
        }
    }

    fn literal(&mut self, word: &str, value: Value) -> Result<Value, DecodeError> {
        for expected in word.bytes() {
            if self.input.get(self.at) != Some(&expected) {
                let expected = char::from(expected);
                let place = format!("in literal {word} (expecting '{expected}')");
                return Err(self.unexpected_inside(&place));
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn number(&mut self) -> Result<Value, DecodeError> {
        if self.input.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        if self.input.get(self.at) == Some(&b'0') {
            self.at += 1;
        } else {
            self.digits("in numeric literal")?;
        }
        if self.input.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits("after decimal point in numeric literal")?;
        }
        if let Some(b'e' | b'E') = self.input.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.input.get(self.at) {
                self.at += 1;
            }
            self.digits("in exponent of numeric literal")?;
        }
        Ok(Value::Number)
    }

    /// At least one digit.
    fn digits(&mut self, place: &str) -> Result<(), DecodeError> {
        let count = self.input[self.at..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count();
        self.at += count;
        if count == 0 {
            return Err(self.unexpected_inside(place));
        }
        Ok(())
    }

    /// A string literal, from its opening quote.
    fn string(&mut self) -> Result<String, DecodeError> {
        self.at += 1;
        // Sized at once, so that no outgrown buffer leaves a copy of a secret behind.
        let length = self.input[self.at..].iter().position(|b| *b == b'"');
        let mut bytes = Vec::with_capacity(length.unwrap_or_default());
        loop {
            match self.input.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    self.at += 1;
                    let c = self.escape()?;
                    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                }
                Some(byte) if *byte >= 0x20 => {
                    bytes.push(*byte);
                    self.at += 1;
                }
                _ => return Err(self.unexpected("in string literal")),
            }
        }
        self.at += 1;
        Ok(String::from_utf8(bytes).unwrap_or_else(|error| replace_bad_utf8(error.as_bytes())))
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Result<char, DecodeError> {
        let c = match self.input.get(self.at) {
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(c @ (b'"' | b'\\' | b'/')) => char::from(*c),
            Some(b'u') => {
                self.at += 1;
                return self.unicode_escape();
            }
            _ => return Err(self.unexpected_inside("in string escape code")),
        };
        self.at += 1;
        Ok(c)
    }

    /// The digits of `\uXXXX`, and a second escape if the first is the high half of a pair. A lone
    /// half becomes the replacement character.
    fn unicode_escape(&mut self) -> Result<char, DecodeError> {
        let first = self.four_hex_digits()?;
        if let Some(c) = char::from_u32(first) {
            return Ok(c);
        }
        let after_first = self.at;
        if first < 0xdc00 && self.input[self.at..].starts_with(b"\\u") {
            self.at += 2;
            let second = self.four_hex_digits()?;
            if (0xdc00..0xe000).contains(&second) {
                let c = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = after_first;
        }
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn four_hex_digits(&mut self) -> Result<u32, DecodeError> {
        let mut number = 0;
        for _ in 0..4 {
            let digit = self.input.get(self.at).copied().map(char::from);
            let Some(digit) = digit.and_then(|c| c.to_digit(16)) else {
                return Err(self.unexpected_inside("in \\u hexadecimal character escape"));
            };
            number = number * 16 + digit;
            self.at += 1;
        }
        Ok(number)
    }

    /// Skips white space and looks at the next byte.
    fn next_visible(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.input.get(self.at) {
            self.at += 1;
        }
        self.input.get(self.at).copied()
    }

    /// The error for the byte at the present position, or for the end of the input.
    fn unexpected(&self, place: &str) -> DecodeError {
        match self.input.get(self.at) {
            Some(byte) => invalid_character(*byte, place),
            None => DecodeError::new("unexpected end of JSON input"),
        }
    }

    /// As [`Self::unexpected`], in the middle of a word, a number or an escape: there Go's scanner
    /// takes the end of the input for a blank.
    fn unexpected_inside(&self, place: &str) -> DecodeError {
        invalid_character(self.input.get(self.at).copied().unwrap_or(b' '), place)
    }
}

fn invalid_character(byte: u8, place: &str) -> DecodeError {
    // Go takes a byte for the code point of the same number.
    let shown = match byte {
        b'\'' => "\\'".to_owned(),
        b'"' => "\"".to_owned(),
        byte => go_quote(&char::from(byte).to_string())
            .trim_matches('"')
            .to_owned(),
    };
    DecodeError::new(format!("invalid character '{shown}' {place}"))
}

/// One replacement character for every byte that is not part of a character.
pub fn replace_bad_utf8(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 3);
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for _ in chunk.invalid() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    text
}

/// Nesting that is read. Go allows 10,000; nothing legal here needs more than a dozen, and the
/// stack of a thread is small.
const MAX_DEPTH: usize = 1000;

#[cfg(test)]
mod tests;
