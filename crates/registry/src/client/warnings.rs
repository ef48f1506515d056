//! Warnings in the answers of a registry (distribution-spec, "Warnings").

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use regcred_core::plain;
use regcred_http::{HeaderMap, header};

/// The warnings logged so far: a client logs each of them once, however many answers repeat it.
#[derive(Debug, Default)]
pub(crate) struct Warnings(Mutex<BTreeSet<String>>);

impl Warnings {
    /// Logs what an answer of `host` warns of for the first time.
    pub(crate) fn log(&self, host: impl Fn() -> String, headers: &HeaderMap) {
        for text in texts(headers) {
            self.once(&format!("{} warns: {text}", host()));
        }
    }

    /// Logs a message for the first time.
    pub(crate) fn once(&self, message: &str) {
        let mut logged = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.len() < MOST_LOGGED && logged.insert(message.to_owned()) {
            tracing::warn!("{message}");
        }
    }

    #[cfg(test)]
    pub(crate) fn logged(&self) -> Vec<String> {
        let logged = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        logged.iter().cloned().collect()
    }
}

/// The texts of `Warning: 299 - "text"`, together at most 4096 bytes. Other codes and agents are not
/// meant for people.
fn texts(headers: &HeaderMap) -> Vec<String> {
    let mut left = MOST_BYTES;
    let values = headers.get_all(header::WARNING).iter();
    values
        .filter_map(|value| std::str::from_utf8(value.as_bytes()).ok())
        .filter_map(|value| quoted(value.trim().strip_prefix("299 - \"")?))
        .map(|text| plain(&text, MOST_BYTES))
        .take_while(|text| {
            let fits = text.len() <= left;
            left = left.saturating_sub(text.len());
            fits
        })
        .filter(|text| !text.is_empty())
        .collect()
}

/// The text up to the closing quote; a backslash takes the next character as it is.
fn quoted(text: &str) -> Option<String> {
    let mut found = String::new();
    let mut chars = text.chars();
    loop {
        match chars.next()? {
            '"' => return Some(found),
            '\\' => found.push(chars.next()?),
            c => found.push(c),
        }
    }
}

const MOST_BYTES: usize = 4096;
/// How many different warnings are logged at most.
const MOST_LOGGED: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::WARNING, value.parse().expect("value"));
        }
        headers
    }

    #[test]
    fn only_warnings_for_people_are_logged() {
        let long = format!("299 - \"{}\"", "x".repeat(4097));
        let headers = headers(&[
            r#"299 - "This tag \"v1\" goes away\\soon""#,
            r#"299 - "two	words""#,
            r#"110 - "stale""#,
            r#"299 proxy "not ours""#,
            r#"299 - "open"#,
            "299 - \"\"",
            "nonsense",
            &long,
        ]);
        assert_eq!(
            texts(&headers),
            [r#"This tag "v1" goes away\soon"#, "two words"]
        );
    }

    #[test]
    fn each_is_logged_once_up_to_a_bound() {
        let warnings = Warnings::default();
        for _ in 0..3 {
            warnings.log(|| "a.io".to_owned(), &headers(&[r#"299 - "x""#]));
        }
        warnings.log(|| "b.io".to_owned(), &headers(&[r#"299 - "x""#]));
        assert_eq!(warnings.logged(), ["a.io warns: x", "b.io warns: x"]);
        for number in 0..1000 {
            warnings.log(
                || "c.io".to_owned(),
                &headers(&[&format!("299 - \"{number}\"")]),
            );
        }
        assert_eq!(warnings.logged().len(), MOST_LOGGED);
    }
}
