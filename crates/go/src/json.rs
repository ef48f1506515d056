//! JSON read and written as Go's `encoding/json` does: the same syntax, the same replacement of
//! bad UTF-8, the same error sentences, the same escapes.

mod indent;
mod write;

pub use indent::{compact, indent};
pub use write::{Members, object, object_line, string, string_list};

use crate::error::DecodeError;
use crate::quote::{go_quote, go_text};
use crate::value::Value;

/// Reads one JSON value with only white space around it.
///
/// # Errors
/// Go's sentence for a syntax error. It shows at most one character of the input.
pub fn parse(input: &[u8]) -> Result<Value, DecodeError> {
    let mut scanner = Scanner::new(input);
    let value = scanner.value()?;
    match scanner.next_visible() {
        None => Ok(value),
        Some(_) => Err(scanner.unexpected("after top-level value")),
    }
}

/// Reads JSON values that follow each other, as `json.Decoder` does.
///
/// # Errors
/// As [`parse`], for the first value that cannot be read.
pub fn parse_stream(input: &[u8]) -> Result<Vec<Value>, DecodeError> {
    let mut scanner = Scanner::new(input);
    let mut values = Vec::new();
    while scanner.next_visible().is_some() {
        values.push(scanner.value()?);
    }
    Ok(values)
}

struct Scanner<'a> {
    input: &'a [u8],
    at: usize,
    depth: usize,
}

impl<'a> Scanner<'a> {
    fn new(input: &'a [u8]) -> Self {
        Self {
            input,
            at: 0,
            depth: 0,
        }
    }

    fn value(&mut self) -> Result<Value, DecodeError> {
        match self.next_visible() {
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'"') => Ok(Value::Text(self.string()?.into())),
            Some(b't') => self.literal("true", Value::Bool(true)),
            Some(b'f') => self.literal("false", Value::Bool(false)),
            Some(b'n') => self.literal("null", Value::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.unexpected("looking for beginning of value")),
        }
    }

    fn object(&mut self) -> Result<Value, DecodeError> {
        let mut members = Vec::new();
        self.nested(b'}', "after object key:value pair", |scanner| {
            if scanner.next_visible() != Some(b'"') {
                return Err(scanner.unexpected("looking for beginning of object key string"));
            }
            let key = scanner.string()?;
            if scanner.next_visible() != Some(b':') {
                return Err(scanner.unexpected("after object key"));
            }
            scanner.at += 1;
            members.push((key, scanner.value()?));
            Ok(())
        })?;
        Ok(Value::Object(members))
    }

    fn array(&mut self) -> Result<Value, DecodeError> {
        let mut items = Vec::new();
        self.nested(b']', "after array element", |scanner| {
            items.push(scanner.value()?);
            Ok(())
        })?;
        Ok(Value::Array(items))
    }

    /// Reads items up to the closing bracket, from the opening one. `after` is where an item ends.
    fn nested(
        &mut self,
        close: u8,
        after: &str,
        mut item: impl FnMut(&mut Self) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(DecodeError::new("exceeded max depth"));
        }
        self.at += 1;
        if self.next_visible() != Some(close) {
            loop {
                item(self)?;
                match self.next_visible() {
                    Some(b',') => self.at += 1,
                    Some(byte) if byte == close => break,
                    _ => return Err(self.unexpected(after)),
                }
            }
        }
        self.at += 1;
        self.depth -= 1;
        Ok(())
    }

    fn literal(&mut self, word: &str, value: Value) -> Result<Value, DecodeError> {
        for expected in word.bytes() {
            if !self.skip(&[expected]) {
                let expected = char::from(expected);
                let place = format!("in literal {word} (expecting '{expected}')");
                return Err(self.unexpected_inside(&place));
            }
        }
        Ok(value)
    }

    fn number(&mut self) -> Result<Value, DecodeError> {
        self.skip(b"-");
        if !self.skip(b"0") {
            self.digits("in numeric literal")?;
        }
        if self.skip(b".") {
            self.digits("after decimal point in numeric literal")?;
        }
        if self.skip(b"eE") {
            self.skip(b"+-");
            self.digits("in exponent of numeric literal")?;
        }
        Ok(Value::Number)
    }

    /// Skips one byte if it is one of these.
    fn skip(&mut self, bytes: &[u8]) -> bool {
        let found = self.input.get(self.at).is_some_and(|b| bytes.contains(b));
        self.at += usize::from(found);
        found
    }

    /// At least one digit.
    fn digits(&mut self, place: &str) -> Result<(), DecodeError> {
        let rest = &self.input[self.at..];
        let count = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        if count == 0 {
            return Err(self.unexpected_inside(place));
        }
        self.at += count;
        Ok(())
    }

    /// A string literal, from its opening quote.
    fn string(&mut self) -> Result<String, DecodeError> {
        self.at += 1;
        // Allocated once, so that no outgrown buffer leaves a copy of a secret in memory.
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
        Ok(go_text(bytes))
    }

    /// The character after a backslash.
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
        while self.skip(b" \t\r\n") {}
        self.input.get(self.at).copied()
    }

    /// The error for the byte at the current position, or for the end of the input.
    fn unexpected(&self, place: &str) -> DecodeError {
        match self.input.get(self.at) {
            Some(byte) => invalid_character(*byte, place),
            None => DecodeError::new("unexpected end of JSON input"),
        }
    }

    /// As [`Self::unexpected`], in the middle of a word, a number or an escape, where Go's scanner
    /// treats the end of the input as a blank.
    fn unexpected_inside(&self, place: &str) -> DecodeError {
        invalid_character(self.input.get(self.at).copied().unwrap_or(b' '), place)
    }
}

fn invalid_character(byte: u8, place: &str) -> DecodeError {
    // Go treats a byte as the code point of the same number.
    let quoted = go_quote(&char::from(byte).to_string());
    let shown = match byte {
        b'\'' => "\\'",
        b'"' => "\"",
        _ => quoted.trim_matches('"'),
    };
    DecodeError::new(format!("invalid character '{shown}' {place}"))
}

/// The deepest nesting accepted. Go allows 10,000; no legal document here needs more than a dozen, and
/// the stack of a thread is small.
const MAX_DEPTH: usize = 1000;

#[cfg(test)]
mod tests;
