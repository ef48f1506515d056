//! URLs in texts for people: neither user information nor a query, which may have passwords and signatures.

use std::borrow::Cow;

/// The text, with each URL in it up to its path.
pub(crate) fn without_url_secrets(text: &str) -> Cow<'_, str> {
    if separator_end(text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = separator_end(rest) {
        let (before, url) = rest.split_at(start);
        shown.push_str(before);
        let (mut url, after) = url.split_at(url_length(url));
        // What follows the last `@`, so that a URL without one is not searched for it at each separator.
        let last = url.rsplit('@').next().map_or(0, str::len);
        loop {
            while url.len() > last
                && let at = user_information(url)
                && at > 0
            {
                url = &url[at..];
            }
            // A URL may have another one in its path, with passwords of its own.
            match separator_end(url) {
                Some(start) if !url[..start].contains('?') => {
                    let (before, inner) = url.split_at(start);
                    shown.push_str(before);
                    url = inner;
                }
                _ => break,
            }
        }
        match url.find('?') {
            None => shown.push_str(url),
            Some(at) => {
                let ends_sentence = |c: char| ".,;:)]}".contains(c);
                let query = url[at..].trim_end_matches(ends_sentence);
                shown.push_str(&url[..at]);
                shown.push_str(&url[at + query.len()..]);
            }
        }
        rest = after;
    }
    shown.push_str(rest);
    Cow::Owned(shown)
}

/// The length of the user information with its `@`. It may have a slash that is not escaped: what then
/// looks like a port is not a number.
fn user_information(url: &str) -> usize {
    let end = url.find(['/', '\\', '?', '#']);
    let authority = &url[..end.unwrap_or(url.len())];
    if let Some(at) = authority.rfind('@') {
        return at + 1;
    }
    let port = authority.split_once(':').map_or("", |(_, port)| port);
    let is_address = authority.starts_with('[');
    if is_address || port.bytes().all(|byte| byte.is_ascii_digit()) {
        return 0;
    }
    url.rfind('@').map_or(0, |at| at + 1)
}

/// The end of the first `://`, which some write as `:\/\/` in JSON.
fn separator_end(text: &str) -> Option<usize> {
    let mut colons = text.match_indices(':');
    colons.find_map(|(at, colon)| {
        let slash = |text| unescaped(text).strip_prefix('/');
        let url = slash(slash(&text[at + colon.len()..])?)?;
        Some(text.len() - url.len())
    })
}

/// Up to white space, a quotation mark, or the backslash before one in JSON. A slash and `&` are parts of the
/// URL there too.
fn url_length(text: &str) -> usize {
    let is_end = |(at, c): &(usize, char)| match c {
        '\\' => !unescaped(&text[*at..]).starts_with(['/', 'u']),
        _ => c.is_whitespace() || c.is_control() || "\"'`<>".contains(*c),
    };
    let end = text.char_indices().find(is_end);
    end.map_or(text.len(), |(at, _)| at)
}

/// Without the backslashes at its start, as many as JSON in JSON in JSON has.
fn unescaped(text: &str) -> &str {
    let count = text.bytes().take(7).take_while(|byte| *byte == b'\\');
    &text[count.count()..]
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn what_is_shown_has_nothing_more_to_leave_out(text in r"([:/@?\[.,a1u\\ ]|://|:\\/\\/|:\\\\/){0,24}") {
            let shown = without_url_secrets(&text);
            proptest::prop_assert_eq!(without_url_secrets(&shown), &*shown);
        }
    }

    #[test]
    fn user_information_and_queries_are_left_out() {
        for (text, expected) in [
            ("no URL at all? yes", "no URL at all? yes"),
            ("http://h/p", "http://h/p"),
            ("at https://u:p@h:1/p?a=b&c=d: no", "at https://h:1/p: no"),
            (
                "\"https://u@h?x\", 'http://h/?y'.",
                "\"https://h\", 'http://h/'.",
            ),
            (
                "a https://h/p?x. b http://u:p@h, c",
                "a https://h/p. b http://h, c",
            ),
            ("http://u:p/a?s@s@h:80/p", "http://h:80/p"),
            (
                "https://i.com/serviceAccounts/p@x.com:go",
                "https://i.com/serviceAccounts/p@x.com:go",
            ),
            ("http://[fd00::1]:80/a@b", "http://[fd00::1]:80/a@b"),
            ("http://proxy/https://u:p@h/a?b", "http://proxy/https://h/a"),
            ("http://a,http://u:p@h", "http://a,http://h"),
            ("http://u:p@h/http://u:p/a?s@i", "http://h/http://i"),
            ("http://u:p@:x://u@:1", "http://:1"),
            ("http://u@::/u:p@h", "http://h"),
            ("://a@:://b@//c@:d", "://:d"),
            (
                "{\"a\":\"https://u:p@h/?q=\\\"x\\\"\"}",
                "{\"a\":\"https://h/\\\"x\\\"\"}",
            ),
            (
                r#"{"a":"https:\/\/u:p@h:1\/a\/http:\/\/u:p\/q@i\/b"}"#,
                r#"{"a":"https:\/\/h:1\/a\/http:\/\/i\/b"}"#,
            ),
            (
                r#"{\"a\":\"https:\\/\\/u:p@h?c=d\\u0026e=f\"}"#,
                r#"{\"a\":\"https:\\/\\/h\"}"#,
            ),
            (
                r#"{"a":"https://h/b?c=d\u0026signature=s","e":1}"#,
                r#"{"a":"https://h/b","e":1}"#,
            ),
        ] {
            assert_eq!(without_url_secrets(text), expected);
        }
    }
}
