//! Times as Kubernetes reads and writes them (apimachinery `metav1.Time` over Go's `time.Parse`).

use chrono::{NaiveDate, NaiveDateTime, TimeDelta, Timelike as _};

/// Reads an RFC 3339 time with Go's leniency: an hour of one digit, a comma before the fraction, any
/// offset up to 24 hours and 60 minutes. Returns it in UTC; empty for the zero time, which means none.
pub(crate) fn read(text: &str) -> Option<String> {
    let (date, rest) = text.split_once('T')?;
    let (year, rest_of_date) = date.split_once('-')?;
    let (month, day) = rest_of_date.split_once('-')?;
    let (hour, rest) = rest.split_once(':')?;
    let hour = number(hour, hour.len().clamp(1, 2))?;
    let (minute, rest) = rest.split_once(':')?;
    let (second, rest) = rest.split_at_checked(2)?;
    let (nanos, rest) = match rest.strip_prefix(['.', ',']) {
        Some(fraction) => {
            let digits = fraction.find(|c: char| !c.is_ascii_digit());
            let (digits, rest) = fraction.split_at(digits.filter(|count| *count > 0)?);
            (format!("{digits:0<9.9}").parse().ok()?, rest)
        }
        None => (0, rest),
    };
    let year = i32::try_from(number(year, 4)?).ok()?;
    let date = NaiveDate::from_ymd_opt(year, number(month, 2)?, number(day, 2)?)?;
    let local = date.and_hms_nano_opt(hour, number(minute, 2)?, number(second, 2)?, nanos)?;
    written(local.checked_sub_signed(offset(rest)?)?)
}

fn written(time: NaiveDateTime) -> Option<String> {
    let zero = NaiveDate::from_ymd_opt(1, 1, 1)?.and_hms_opt(0, 0, 0)?;
    if time == zero {
        return Some(String::new());
    }
    let form = match time.nanosecond() {
        0 => "%Y-%m-%dT%H:%M:%SZ",
        _ => "%Y-%m-%dT%H:%M:%S%.9fZ",
    };
    // Unlike chrono, Go has no sign before a year of five digits.
    let text = time.format(form).to_string();
    Some(text.trim_start_matches('+').to_owned())
}

/// The offset from UTC at the end.
fn offset(text: &str) -> Option<TimeDelta> {
    if text == "Z" {
        return Some(TimeDelta::zero());
    }
    let (sign, rest) = text.split_at_checked(1)?;
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes) = (number(hours, 2)?, number(minutes, 2)?);
    if hours > 24 || minutes > 60 {
        return None;
    }
    let span = TimeDelta::minutes(i64::from(hours * 60 + minutes));
    match sign {
        "+" => Some(span),
        "-" => Some(-span),
        _ => None,
    }
}

/// A number of exactly `digits` digits.
fn number(text: &str, digits: usize) -> Option<u32> {
    let is_number = text.len() == digits && text.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_go_reads_them() {
        for (text, utc) in [
            ("2026-01-02T03:04:05Z", Some("2026-01-02T03:04:05Z")),
            ("2026-01-02T03:04:05+02:00", Some("2026-01-02T01:04:05Z")),
            ("2026-01-02T3:04:05Z", Some("2026-01-02T03:04:05Z")),
            (
                "2026-01-02T03:04:05,5Z",
                Some("2026-01-02T03:04:05.500000000Z"),
            ),
            ("2026-01-02T03:04:05+24:60", Some("2026-01-01T02:04:05Z")),
            ("9999-12-31T23:59:59-01:00", Some("10000-01-01T00:59:59Z")),
            ("0000-01-01T00:00:00+01:00", Some("-0001-12-31T23:00:00Z")),
            ("0001-01-01T00:00:00Z", Some("")),
            ("2026-01-02T03:04:05+24:61", None),
            ("2026-01-02T03:04:05+0200", None),
            ("2026-01-02T03:04:05z", None),
            ("2026-01-02t03:04:05Z", None),
            ("2026-01-02T24:00:00Z", None),
            ("2026-01-02T03:04:60Z", None),
            ("2026-02-30T03:04:05Z", None),
            ("2026-1-02T03:04:05Z", None),
            ("2026-01-02T03:04:05.Z", None),
            ("2026-01-02T03:04:05", None),
            ("yesterday", None),
            ("", None),
        ] {
            assert_eq!(read(text).as_deref(), utc, "{text}");
        }
    }
}
