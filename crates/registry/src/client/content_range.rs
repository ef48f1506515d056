//! `Content-Range` of a 206 (RFC 9110 section 14.4).

use std::ops::Range;

use regcred_http::{HeaderMap, header};

/// `bytes first-last/complete`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ContentRange {
    first: u64,
    last: u64,
    complete: Option<u64>,
}

impl ContentRange {
    /// Reads the header; `None` if it is missing, repeated, or has another form.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(header::CONTENT_RANGE).iter();
        let (value, None) = (values.next()?, values.next()) else {
            return None;
        };
        let (range, complete) = value
            .to_str()
            .ok()?
            .strip_prefix("bytes ")?
            .split_once('/')?;
        let (first, last) = range.split_once('-')?;
        Some(Self {
            first: number(first)?,
            last: number(last)?,
            complete: match complete {
                "*" => None,
                complete => Some(number(complete)?),
            },
        })
    }

    /// Whether it is this part of content of this size.
    pub(super) fn is(self, part: Range<u64>, size: u64) -> bool {
        self.first == part.start
            && self.last.checked_add(1) == Some(part.end)
            && self.complete.is_none_or(|complete| complete == size)
    }
}

/// Digits only: `parse` alone would take a sign.
fn number(text: &str) -> Option<u64> {
    text.bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(values: &[&'static str], part: Range<u64>, size: u64) -> bool {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::CONTENT_RANGE, value.parse().expect("header"));
        }
        ContentRange::of(&headers).is_some_and(|range| range.is(part, size))
    }

    #[test]
    fn only_the_part_that_was_asked_for_is_taken() {
        assert!(is(&["bytes 5-9/10"], 5..10, 10));
        assert!(is(&["bytes 5-9/*"], 5..10, 10));
        assert!(is(&["bytes 0-4/10"], 0..5, 10));
        for values in [
            &["bytes 0-9/10"][..],
            &["bytes 4-9/10"],
            &["bytes 5-8/10"],
            &["bytes 5-9/11"],
            &["bytes */10"],
            &["bytes +5-9/10"],
            &["bytes 5-9"],
            &["octets 5-9/10"],
            &["bytes 5-18446744073709551615/10"],
            &["bytes 5-9/10", "bytes 5-9/10"],
            &[],
        ] {
            assert!(!is(values, 5..10, 10), "{values:?}");
        }
    }
}
