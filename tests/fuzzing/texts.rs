//! Formats of texts, and texts that are shown.

use regcred_core::{is_shown, plain};
use regcred_go::yaml::{self, Step};
use regcred_go::{
    GoDuration, GoUrl, decode_base64, go_lowercase, go_quote, go_text, json as go_json,
};
use regcred_http::{
    Challenge, ErrorFields, HeaderMap, HeaderValue, header, is_web_page, parse_challenges,
};

use crate::message::{assert_shown, shown};

/// A header on each line.
pub(crate) fn challenge(input: &[u8]) {
    let lines = input.split(|byte| *byte == b'\n');
    let found = challenges(lines);
    // Values with bytes that a header cannot have did not come from one.
    let printed: Vec<_> = found.iter().map(print).collect();
    let again = challenges(printed.iter().map(String::as_bytes));
    assert_eq!(again, found);
    let joined = printed.join(", ");
    assert_eq!(challenges([joined.as_bytes()]), found);
}

fn challenges<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Vec<Challenge> {
    let mut headers = HeaderMap::new();
    for line in lines {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(header::WWW_AUTHENTICATE, value);
        }
    }
    parse_challenges(&headers)
}

fn print(challenge: &Challenge) -> String {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let params = challenge.params.iter();
    let params = params.map(|(name, value)| format!("{name}=\"{}\"", quoted(value)));
    let params: Vec<_> = params.collect();
    format!("{} {}", challenge.scheme, params.join(","))
}

pub(crate) fn foreign(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    for most in [0, 1, 7, 200, usize::MAX] {
        let line = plain(&text, most);
        assert!(
            line.chars().all(is_shown) && line.chars().count() <= most,
            "{line:?}"
        );
        assert_eq!(plain(&line, most), line.trim_end());
    }
    let fields = ErrorFields::parse(input);
    let line = fields.to_string();
    assert_shown(&line);
    assert!(line.chars().count() <= 600, "{line}");
    let _ = is_web_page(&HeaderMap::new(), input);
}

pub(crate) fn json(input: &[u8]) {
    let found = go_json::parse(input);
    let strict = serde_json::from_slice::<serde_json::Value>(input);
    match (&found, &strict) {
        (Err(error), Ok(_)) => panic!("JSON is refused: {error}"),
        (Err(error), Err(_)) => drop(shown(error)),
        (Ok(value), _) => drop(value.clone().sorted()),
    }
    if let Err(error) = go_json::parse_stream(input) {
        shown(&error);
    }
    let Ok(text) = str::from_utf8(input) else {
        return;
    };
    if found.is_ok() {
        let compact = go_json::compact(text);
        let indented = go_json::indent(&compact, "\t");
        assert_eq!(go_json::compact(&indented), compact);
        go_json::parse(indented.as_bytes()).expect("it is the same JSON");
    }
    let literal = go_json::string(text);
    let read: String = serde_json::from_str(&literal).expect("a string is JSON");
    assert_eq!(read, text);
}

pub(crate) fn yaml(input: &[u8]) {
    match yaml::parse(input) {
        Err(error) => drop(shown(&error)),
        Ok(documents) => {
            for document in documents {
                document.value.sorted();
            }
        }
    }
    let lines = input.split(|byte| *byte == b'\n').count();
    let path = [
        Step::Member("providers"),
        Step::Item(1),
        Step::Member("name"),
    ];
    if let Some(line) = yaml::line_of(input, &path) {
        // Carriage returns and Unicode's separators end a line as well.
        assert!(line >= 1 && line <= lines + input.len(), "{line}");
    }
    if let Err(error) = yaml::parse_first(input) {
        shown(&error);
    }
}

pub(crate) fn go_values(input: &[u8]) {
    let text = go_text(input.to_vec());
    match text.parse::<GoDuration>() {
        Err(error) => drop(shown(&error)),
        Ok(span) => {
            let again = span.to_string().parse::<GoDuration>();
            assert_eq!(again.expect("what was printed is read"), span);
        }
    }
    if let Err(error) = GoUrl::parse(&text) {
        shown(&error);
    }
    for is_padded in [true, false] {
        if let Err(error) = decode_base64(&text, is_padded) {
            shown(&error);
        }
    }
    assert_shown(&go_quote(&text));
    let _ = go_lowercase(&text);
}
