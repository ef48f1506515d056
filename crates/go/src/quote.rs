//! Text as Go quotes it and as Go lowers its case, so that messages can be found with the kubelet's
//! words.

/// As Go's `%q`: in double quotes, with backslash escapes for characters that cannot be printed.
#[must_use]
pub fn go_quote(text: &str) -> String {
    go_quote_bytes(text.as_bytes())
}

/// As [`go_quote`], for a text that may end in the middle of a character.
pub(crate) fn go_quote_bytes(text: &[u8]) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for chunk in text.utf8_chunks() {
        chunk.valid().chars().for_each(|c| push(&mut quoted, c));
        for byte in chunk.invalid() {
            quoted.push_str(&format!("\\x{byte:02x}"));
        }
    }
    quoted.push('"');
    quoted
}

fn push(quoted: &mut String, c: char) {
    match c {
        '"' | '\\' => quoted.extend(['\\', c]),
        '\x07' => quoted.push_str("\\a"),
        '\x08' => quoted.push_str("\\b"),
        '\x0c' => quoted.push_str("\\f"),
        '\n' => quoted.push_str("\\n"),
        '\r' => quoted.push_str("\\r"),
        '\t' => quoted.push_str("\\t"),
        '\x0b' => quoted.push_str("\\v"),
        ' '..='~' => quoted.push(c),
        '\0'..='\x7f' => quoted.push_str(&format!("\\x{:02x}", u32::from(c))),
        c if is_printable(c) => quoted.push(c),
        '\u{80}'..='\u{ffff}' => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
        _ => quoted.push_str(&format!("\\U{:08x}", u32::from(c))),
    }
}

/// As Go's `strings.ToLower`: letter by letter, without regard to its position.
#[must_use]
pub fn go_lowercase(text: &str) -> String {
    let lower = |c: char| c.to_lowercase().next().unwrap_or(c);
    text.chars().map(lower).collect()
}

/// Bytes as text, with one replacement character for each byte that is not part of a character, as Go
/// decodes them.
#[must_use]
pub fn go_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| {
        // Allocated once: the text may be a secret.
        let mut text = String::with_capacity(error.as_bytes().len() * 3);
        for chunk in error.as_bytes().utf8_chunks() {
            text.push_str(chunk.valid());
            text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
        }
        text
    })
}

/// Letters, marks, numbers, punctuation and symbols. Rust escapes a combining mark at the beginning of a
/// text, unlike Go; after a letter neither does.
fn is_printable(c: char) -> bool {
    String::from_iter(['a', c]).escape_debug().count() == 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lower_case_is_letter_by_letter() {
        assert_eq!(go_lowercase("AbÉ\u{130}ΑΣ"), "abéiασ");
    }

    #[test]
    fn quoting_follows_go() {
        for (text, quoted) in [
            ("plain 'x'", r#""plain 'x'""#),
            ("a\"b\\", r#""a\"b\\""#),
            ("\n\t\0\x7f", r#""\n\t\x00\x7f""#),
            ("\x07\x08\x0b\x0c\r", r#""\a\b\v\f\r""#),
            ("é\u{200b}\u{a0}", "\"é\\u200b\\u00a0\""),
            ("\u{301}e\u{301}", "\"\u{301}e\u{301}\""),
            ("\u{1f600}\u{e0001}", "\"\u{1f600}\\U000e0001\""),
        ] {
            assert_eq!(go_quote(text), quoted);
        }
        assert_eq!(go_quote_bytes(b"a\xc3"), "\"a\\xc3\"");
    }
}
