//! Text as Go changes it: in quotes, so that messages of ours can be found with the kubelet's words,
//! and in lower case.

/// As Go's `%q`: double quotes, backslash escapes for what cannot be printed.
#[must_use]
pub fn go_quote(text: &str) -> String {
    go_quote_bytes(text.as_bytes())
}

/// The same for a text that was cut in the middle of a character.
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

/// As Go's `strings.ToLower`: one letter for one letter, wherever it stands.
#[must_use]
pub fn go_lowercase(text: &str) -> String {
    text.chars()
        .map(|c| c.to_lowercase().next().unwrap_or(c))
        .collect()
}

/// Letters, marks, numbers, punctuation and symbols. Rust escapes a combining mark that begins a text,
/// Go does not; behind a letter neither does.
fn is_printable(c: char) -> bool {
    let mut behind_a_letter = String::from("a");
    behind_a_letter.push(c);
    behind_a_letter.escape_debug().count() == 2
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
