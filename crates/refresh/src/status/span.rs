//! Times for people.

use chrono::{DateTime, Utc};

/// `in 5 h 20 min`, `2 min ago`.
pub(super) fn until(end: DateTime<Utc>, now: DateTime<Utc>) -> String {
    if end <= now {
        format!("{} ago", span((now - end).num_seconds()))
    } else {
        format!("in {}", span((end - now).num_seconds()))
    }
}

/// `2 d 3 h`, `5 h 20 min`, `40 s`.
pub(super) fn span(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_short() {
        for (seconds, text) in [
            (40, "40 s"),
            (61, "1 min"),
            (19_200, "5 h 20 min"),
            (183_600, "2 d 3 h"),
        ] {
            assert_eq!(span(seconds), text);
        }
    }
}
