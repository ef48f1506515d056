//! What a person sees of texts that others may have written: servers, programs, files, tenants. Without
//! characters that a terminal obeys, without the secrets that this process knows, and of a bounded length.

use std::borrow::Cow;

use crate::known_secrets::{Author, hide};
use crate::url_text::without_url_secrets;

/// A foreign text on one line: without control characters and those that turn or hide text, without
/// known secrets, JSON web tokens, and the user information and queries of URLs, cut to `most` characters.
#[must_use]
pub fn plain(text: &str, most: usize) -> String {
    let text = hide(text, Author::Foreign);
    on_one_line(&without_url_secrets(&without_web_tokens(&text)), most)
}

/// The same of several lines, for what a program wrote: its lines stay.
#[must_use]
pub fn plain_lines(text: &str) -> String {
    let text = hide(text, Author::Foreign);
    on_lines(&without_url_secrets(&without_web_tokens(&text)))
}

/// A text of our own that may quote foreign ones, as it leaves the process: the last step before standard
/// error, a log, an event, a page or a report. Its lines stay, each with at most 16,384 characters.
#[must_use]
pub fn shown(text: &str) -> String {
    let text = hide(text, Author::Own);
    on_lines(&without_url_secrets(&text))
}

fn on_lines(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut length = 0;
    for c in text.chars() {
        length = if c == '\n' { 0 } else { length + 1 };
        match length {
            0 => shown.push(c),
            1..=LONGEST_LINE => shown.push(if c == '\t' || is_shown(c) { c } else { ' ' }),
            _ if length == LONGEST_LINE + 1 => shown.push_str(CUT),
            _ => {}
        }
    }
    shown
}

/// The same on one line.
#[must_use]
pub(crate) fn shown_on_one_line(text: &str) -> String {
    let text = hide(text, Author::Own);
    on_one_line(&without_url_secrets(&text), LONGEST_LINE)
}

/// JSON of our own as it leaves the process: still JSON, with the characters that a terminal obeys as
/// escapes, and each text in it of at most 16,384 characters.
#[must_use]
pub fn shown_json(json: &str) -> String {
    let json = hide(json, Author::Own);
    let json = without_url_secrets(&json);
    let mut shown = String::with_capacity(json.len());
    // The length of the text that is being read.
    let mut length = None;
    let mut chars = json.chars();
    while let Some(c) = chars.next() {
        let Some(read) = length.as_mut() else {
            length = (c == '"').then_some(0);
            shown.push(c);
            continue;
        };
        if c == '"' {
            if *read > LONGEST_LINE {
                shown.push_str(CUT);
            }
            length = None;
            shown.push(c);
            continue;
        }
        *read += 1;
        let escaped = if c == '\\' { chars.next() } else { None };
        let digits = if escaped == Some('u') { 4 } else { 0 };
        let digits: String = chars.by_ref().take(digits).collect();
        if *read > LONGEST_LINE {
            continue;
        }
        if is_shown(c) {
            shown.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                shown.push_str(&format!("\\u{unit:04x}"));
            }
        }
        shown.extend(escaped);
        shown.push_str(&digits);
    }
    shown
}

/// A document that was asked for, such as a manifest: as it is but for secrets that it repeats.
#[must_use]
pub fn without_secrets(text: &str) -> Cow<'_, str> {
    hide(text, Author::Own)
}

/// Whether it is neither a control character nor one of those that turn, hide or carry text unseen.
#[must_use]
pub fn is_shown(c: char) -> bool {
    let mark = matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    !c.is_control() && !mark
}

fn on_one_line(text: &str, most: usize) -> String {
    let clean = |c: char| if is_shown(c) { c } else { ' ' };
    let spaced: String = text.chars().map(clean).collect();
    let line = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(most) {
        Some((end, _)) => line[..end].to_owned(),
        None => line,
    }
}

/// The text without JSON web tokens, which some servers repeat in their refusal of one.
fn without_web_tokens(text: &str) -> Cow<'_, str> {
    if !text.contains(TOKEN_START) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(TOKEN_START) {
        let (before, token) = rest.split_at(at);
        let is_of_it = |c: char| c.is_ascii_alphanumeric() || "-_.=".contains(c);
        let end = token.find(|c| !is_of_it(c)).unwrap_or(token.len());
        shown.push_str(before);
        shown.push_str(if end < SHORTEST_TOKEN {
            &token[..end]
        } else {
            "[token]"
        });
        rest = &token[end..];
    }
    Cow::Owned(shown + rest)
}

const LONGEST_LINE: usize = 16_384;
const CUT: &str = " ...";
/// `{"` in base64.
const TOKEN_START: &str = "eyJ";
const SHORTEST_TOKEN: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_a_blank() {
        assert_eq!(
            plain("a\u{1b}[31m\r\nb\u{7}\u{202e}c\u{2028}d", 99),
            "a [31m b c d"
        );
        assert_eq!(plain("abc", 2), "ab");
        assert_eq!(shown("a\u{1b}[2J\n\tb\u{61c}"), "a [2J\n\tb ");
    }

    #[test]
    fn a_text_is_cut_only_after_its_secrets_are_hidden() {
        crate::know_secret("c4n4ry-c4n4ry");
        assert_eq!(plain("ab c4n4ry-c4n4ry", 8), "ab [secr");
        assert_eq!(shown_on_one_line("a\nc4n4ry-c4n4ry"), "a [secret]");
        assert_eq!(without_secrets("{c4n4ry-c4n4ry}"), "{[secret]}");
    }

    #[test]
    fn a_web_token_in_a_foreign_text_is_not_shown() {
        let token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2ln-_";
        let text = format!("the token '{token}' of eyJ is bad");
        assert_eq!(plain(&text, 99), "the token '[token]' of eyJ is bad");
    }

    #[test]
    fn a_line_and_a_text_in_json_have_a_longest_length() {
        let long = "\u{e4}".repeat(LONGEST_LINE + 5);
        let cut = "\u{e4}".repeat(LONGEST_LINE) + CUT;
        assert_eq!(
            shown(&format!("{long}\nx\n{long}")),
            format!("{cut}\nx\n{cut}")
        );
        let json = |text: &str| format!("{{\"a\":\"{text}\",\"b\":[\"x\"]}}");
        assert_eq!(shown_json(&json(&long)), json(&cut));
        assert_eq!(
            shown_json(&json("a\\\"\\u001b\\\\")),
            json("a\\\"\\u001b\\\\")
        );
        let odd = shown_json(&json("\u{9b}\u{202e}\u{e0041}"));
        assert_eq!(odd, json("\\u009b\\u202e\\udb40\\udc41"));
    }
}
