//! Go durations as text: `time.ParseDuration` and `Duration.String`, digit for digit.

use std::fmt::{self, Write as _};
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A span of time in nanoseconds, written as Go writes it: `12h0m0s`, `1.5s`, `0s`. May be
/// negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GoDuration(pub i64);

impl GoDuration {
    /// The same span for the standard library; `None` when it is negative.
    #[must_use]
    pub fn to_std(self) -> Option<Duration> {
        u64::try_from(self.0).ok().map(Duration::from_nanos)
    }
}

impl From<Duration> for GoDuration {
    /// Longer than about 292 years becomes the largest duration.
    fn from(span: Duration) -> Self {
        Self(i64::try_from(span.as_nanos()).unwrap_or(i64::MAX))
    }
}

impl FromStr for GoDuration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = |what: &str| DurationError(format!("{what} duration {}", quote(text)));
        let invalid = || refused("invalid");
        let (negative, mut rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        if rest == "0" {
            return Ok(Self(0));
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        let mut total: u64 = 0;
        while !rest.is_empty() {
            let (whole, after) = take_digits(rest);
            let (fraction, after) = match after.strip_prefix('.') {
                Some(after) => take_digits(after),
                None => ("", after),
            };
            if whole.is_empty() && fraction.is_empty() {
                return Err(invalid());
            }
            let value = whole_number(whole).ok_or_else(invalid)?;
            let end = after.find(|c: char| c == '.' || c.is_ascii_digit());
            let (name, after) = after.split_at(end.unwrap_or(after.len()));
            if name.is_empty() {
                return Err(refused("missing unit in"));
            }
            let unit = unit_nanos(name)
                .ok_or_else(|| refused(&format!("unknown unit {} in", quote(name))))?;
            let part = value.checked_mul(unit).filter(|part| *part <= LIMIT);
            let part = part.map(|part| part + fraction_nanos(fraction, unit));
            total = part
                .and_then(|part| total.checked_add(part))
                .filter(|total| *total <= LIMIT)
                .ok_or_else(invalid)?;
            rest = after;
        }
        if negative {
            return Ok(Self(0_i64.wrapping_sub_unsigned(total)));
        }
        i64::try_from(total).map(Self).map_err(|_| invalid())
    }
}

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.unsigned_abs();
        let mut text = String::from(if self.0 < 0 { "-" } else { "" });
        match nanos {
            0 => text.push_str("0s"),
            1..1_000 => write!(text, "{nanos}ns")?,
            1_000..1_000_000 => write!(text, "{}µs", decimal(nanos, 3))?,
            1_000_000..1_000_000_000 => write!(text, "{}ms", decimal(nanos, 6))?,
            _ => {
                let seconds = nanos / SECOND;
                if seconds >= 3600 {
                    write!(text, "{}h", seconds / 3600)?;
                }
                if seconds >= 60 {
                    write!(text, "{}m", seconds / 60 % 60)?;
                }
                write!(text, "{}s", decimal(nanos % (60 * SECOND), 9))?;
            }
        }
        f.pad(&text)
    }
}

impl Serialize for GoDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for GoDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A text that is not a Go duration; reads as Go's error does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("time: {0}")]
pub struct DurationError(String);

fn take_digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit());
    text.split_at(end.unwrap_or(text.len()))
}

/// The number, unless it exceeds 2^63.
fn whole_number(digits: &str) -> Option<u64> {
    digits.bytes().try_fold(0_u64, |number, digit| {
        let next = number
            .checked_mul(10)?
            .checked_add(u64::from(digit - b'0'))?;
        (next <= LIMIT).then_some(next)
    })
}

/// Nanoseconds of a fraction, truncated. Digits beyond Go's precision are ignored. Go computes this in
/// float64 too.
fn fraction_nanos(digits: &str, unit: u64) -> u64 {
    let (mut fraction, mut scale) = (0_u64, 1.0_f64);
    for digit in digits.bytes() {
        if fraction > (LIMIT - 1) / 10 {
            break;
        }
        let next = fraction * 10 + u64::from(digit - b'0');
        if next > LIMIT {
            break;
        }
        fraction = next;
        scale *= 10.0;
    }
    (fraction as f64 * (unit as f64 / scale)) as u64
}

fn unit_nanos(name: &str) -> Option<u64> {
    match name {
        "ns" => Some(1),
        // U+00B5 and U+03BC: the micro sign and the Greek letter.
        "us" | "\u{b5}s" | "\u{3bc}s" => Some(1_000),
        "ms" => Some(1_000_000),
        "s" => Some(SECOND),
        "m" => Some(60 * SECOND),
        "h" => Some(3600 * SECOND),
        _ => None,
    }
}

/// `value / 10^digits` without trailing zeros.
fn decimal(value: u64, digits: u32) -> String {
    let scale = 10_u64.pow(digits);
    let (whole, fraction) = (value / scale, value % scale);
    if fraction == 0 {
        return whole.to_string();
    }
    let fraction = format!("{fraction:0width$}", width = digits as usize);
    format!("{whole}.{}", fraction.trim_end_matches('0'))
}

/// Quotes as Go's time package does, with bytes outside printable ASCII in hexadecimal.
fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend(['\\', char::from(byte)]),
            0x20..0x80 => out.push(char::from(byte)),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push('"');
    out
}

const SECOND: u64 = 1_000_000_000;
/// 2^63: the magnitude of the most negative duration.
const LIMIT: u64 = 1 << 63;

#[cfg(test)]
mod tests;
