//! Text inside messages as Go prints it, so that ours can be found with the kubelet's words.

use std::fmt::Write as _;

/// As Go's `%q`: double quotes, backslash escapes for what cannot be printed.
pub(crate) fn go_quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\x07' => quoted.push_str("\\a"),
            '\x08' => quoted.push_str("\\b"),
            '\x0c' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\x0b' => quoted.push_str("\\v"),
            '\'' | ' '..='~' => quoted.push(c),
            '\0'..='\x7f' => append(&mut quoted, format_args!("\\x{:02x}", u32::from(c))),
            _ if c.escape_debug().len() == 1 => quoted.push(c),
            '\u{80}'..='\u{ffff}' => append(&mut quoted, format_args!("\\u{:04x}", u32::from(c))),
            _ => append(&mut quoted, format_args!("\\U{:08x}", u32::from(c))),
        }
    }
    quoted.push('"');
    quoted
}

/// As Go's `encoding/json` writes a list of strings.
pub(crate) fn go_json(list: &[&str]) -> String {
    let items: Vec<String> = list
        .iter()
        .map(|item| {
            let json = serde_json::Value::from(*item).to_string();
            json.replace('<', "\\u003c")
                .replace('>', "\\u003e")
                .replace('&', "\\u0026")
        })
        .collect();
    format!("[{}]", items.join(","))
}

/// As Go's `Aggregate`: equal messages once, one alone bare, several as `[a, b]`.
pub(crate) fn go_aggregate<T: AsRef<str>>(messages: impl IntoIterator<Item = T>) -> String {
    let mut distinct: Vec<T> = Vec::new();
    for message in messages {
        if !distinct.iter().any(|d| d.as_ref() == message.as_ref()) {
            distinct.push(message);
        }
    }
    let list: Vec<&str> = distinct.iter().map(AsRef::as_ref).collect();
    match list.as_slice() {
        [one] => (*one).to_owned(),
        several => format!("[{}]", several.join(", ")),
    }
}

/// An error of the operating system in Go's words: `no such file or directory`.
pub(crate) fn go_errno(error: &std::io::Error) -> String {
    let text = error.to_string();
    match (error.raw_os_error(), text.split_once(" (os error")) {
        (Some(_), Some((words, _))) => words.to_lowercase(),
        _ => text,
    }
}

fn append(text: &mut String, formatted: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(formatted);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_follows_go() {
        for (text, quoted) in [
            ("plain 'x'", r#""plain 'x'""#),
            ("a\"b\\", r#""a\"b\\""#),
            ("\n\t\0\x7f", r#""\n\t\x00\x7f""#),
            ("é\u{200b}", "\"é\\u200b\""),
        ] {
            assert_eq!(go_quote(text), quoted);
        }
    }

    #[test]
    fn lists_are_compact_json() {
        assert_eq!(go_json(&["a", "b<"]), r#"["a","b\u003c"]"#);
    }

    #[test]
    fn aggregates_name_equal_messages_once() {
        assert_eq!(go_aggregate(["a"]), "a");
        assert_eq!(go_aggregate(["a", "b", "a"]), "[a, b]");
        assert_eq!(go_aggregate(["a", "a"]), "a");
    }

    #[test]
    fn system_errors_are_in_lower_case_without_number() {
        let error = std::io::Error::from_raw_os_error(2);
        assert_eq!(go_errno(&error), "no such file or directory");
    }
}
