//! Web pages in place of what a program asked for: login pages, and the messages of proxies.

use http::{HeaderMap, header};

/// Whether a body is a web page: it begins as one, or as markup of the type `text/html`.
#[must_use]
pub fn is_web_page(headers: &HeaderMap, body: &[u8]) -> bool {
    let is_markup = body.trim_ascii_start().starts_with(b"<");
    begins_page(body) || (is_markup && has_page_type(headers))
}

/// Whether the headers announce a web page.
#[must_use]
pub fn has_page_type(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE);
    let value = value.map(|value| value.as_bytes().to_ascii_lowercase());
    value.is_some_and(|value| {
        value.starts_with(b"text/html") || value.starts_with(b"application/xhtml")
    })
}

/// Whether a text begins as HTML.
pub(crate) fn begins_page(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let start = body.trim_ascii_start().iter().take(LONGEST_START);
    let start: Vec<u8> = start.map(u8::to_ascii_lowercase).collect();
    start.starts_with(b"<!doctype html") || start.starts_with(b"<html")
}

const LONGEST_START: usize = 14;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_known_by_their_start_or_their_type() {
        let html = HeaderMap::from_iter([(
            header::CONTENT_TYPE,
            header::HeaderValue::from_static("Text/HTML; charset=utf-8"),
        )]);
        let none = HeaderMap::new();
        for body in ["<!DOCTYPE html>", "\n <HTML lang=x>", "\u{feff}<html>"] {
            assert!(is_web_page(&none, body.as_bytes()), "{body}");
        }
        assert!(is_web_page(&html, b"<!-- moved -->"));
        assert!(!is_web_page(
            &none,
            b"<Error><Code>AccessDenied</Code></Error>"
        ));
        // Some servers send JSON under this type.
        for body in [&b"{}"[..], b""] {
            assert!(!is_web_page(&html, body));
        }
    }
}
