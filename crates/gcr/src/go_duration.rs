//! Durations as Go writes and reads them (`time.ParseDuration`): the form of
//! `KUBE_SIDECAR_CACHE_DURATION` and of a kubelet configuration.

use std::time::Duration;

/// Reads `1h30m`, `1.5s`, `300ms`, `0`. Negative durations count as none, since they are used for
/// lifetimes only. `None` for anything that Go refuses.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let (negative, mut rest) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut nanos: u128 = 0;
    while !rest.is_empty() {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let (whole, after) = rest.split_at(digits(rest));
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => after.split_at(digits(after)),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let end = after
            .find(|c: char| c == '.' || c.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let unit = UNITS.iter().find(|(name, _)| *name == unit)?.1;
        let whole: u128 = if whole.is_empty() {
            0
        } else {
            whole.parse().ok()?
        };
        nanos = nanos.checked_add(whole.checked_mul(unit)?)?;
        let mut share = unit;
        for digit in fraction.bytes() {
            share /= 10;
            nanos = nanos.checked_add(share * u128::from(digit - b'0'))?;
        }
        rest = after;
    }
    let nanos = u64::try_from(nanos).ok().filter(|n| *n <= GO_LIMIT)?;
    Some(Duration::from_nanos(if negative { 0 } else { nanos }))
}

const UNITS: [(&str, u128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Go counts nanoseconds in a signed 64-bit number.
const GO_LIMIT: u64 = i64::MAX as u64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gos_forms_are_read() {
        for (text, seconds) in [
            ("0", 0.0),
            ("0s", 0.0),
            ("1m", 60.0),
            ("1h15m30.918s", 4530.918),
            ("1.5h", 5400.0),
            (".5s", 0.5),
            ("300ms", 0.3),
            ("250\u{b5}s", 0.00025),
            ("+5s", 5.0),
            ("-5s", 0.0),
        ] {
            let parsed = parse(text).expect(text).as_secs_f64();
            assert!((parsed - seconds).abs() < 1e-9, "{text}: {parsed}");
        }
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for text in [
            "",
            "-",
            "3",
            "s",
            "1d",
            "1 s",
            ".s",
            "1h1",
            "99999999h",
            "1.s.",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
