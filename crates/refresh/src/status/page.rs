//! The status page: one read-only HTML document without scripts.

use chrono::{DateTime, Utc};

use super::state::{SUCCESS, Status};
use crate::life::rfc3339;

impl Status {
    pub(crate) fn page(&self) -> String {
        let now = self.clock.now();
        let ready = self.ready();
        let state = self.lock();
        let (class, word) = match &ready {
            Ok(()) => ("good", "ready"),
            Err(_) => ("bad", "not ready"),
        };
        let registries = state.sources.iter().map(|source| {
            let expiry = source.life.map(|life| expiry(life.expires, now));
            let issued = source.results[SUCCESS];
            let requested: u64 = source.results.values().sum();
            let mut hosts = source.hosts.join(", ");
            if source.tenants {
                hosts.push_str(" (a token for each namespace)");
            }
            [
                source.name.clone(),
                source.provider.clone(),
                hosts,
                expiry.unwrap_or_else(|| "none requested yet".to_owned()),
                issued.to_string(),
                (requested - issued).to_string(),
                failure(source.failure.as_ref(), now),
            ]
        });
        let targets = state.targets.iter().map(|target| {
            let summary = &target.summary;
            let first = summary.expires.map(|end| expiry(Some(end), now));
            [
                target.name.clone(),
                target.kind.to_owned(),
                target.place.clone(),
                summary.good.to_string(),
                summary.failing.to_string(),
                summary.waiting.to_string(),
                first.unwrap_or_default(),
                failure(target.failure.as_ref(), now),
            ]
        });
        let values = [
            class.to_owned(),
            word.to_owned(),
            if state.leader { "leader" } else { "standby" }.to_owned(),
            span((now - state.started).num_seconds()),
            state.requests.sent.to_string(),
            escape(&ready.err().unwrap_or_default()),
            rows(registries),
            rows(targets),
            rfc3339(now),
        ];
        let mut html = String::new();
        let mut values = values.into_iter();
        for piece in PAGE.split("{}") {
            html.push_str(piece);
            html.extend(values.next());
        }
        html
    }
}

fn rows<const N: usize>(rows: impl Iterator<Item = [String; N]>) -> String {
    let row = |cells: [String; N]| {
        let cells = cells.map(|cell| format!("<td>{}", escape(&cell))).concat();
        format!("<tr>{cells}</tr>\n")
    };
    rows.map(row).collect()
}

fn expiry(end: Option<DateTime<Utc>>, now: DateTime<Utc>) -> String {
    match end {
        None => "never, or unknown".to_owned(),
        Some(end) if end <= now => format!("{} ago", span((now - end).num_seconds())),
        Some(end) => format!("in {}", span((end - now).num_seconds())),
    }
}

fn failure(failure: Option<&(DateTime<Utc>, String)>, now: DateTime<Utc>) -> String {
    failure.map_or_else(String::new, |(since, text)| {
        format!("{text} (since {})", span((now - *since).num_seconds()))
    })
}

/// `2 d 3 h`, `5 h 20 min`, `40 s`.
fn span(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// With a place for each value.
const PAGE: &str = include_str!("page.html");

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

    #[test]
    fn texts_cannot_become_markup() {
        assert_eq!(escape("<b a='\"'>&"), "&lt;b a=&#39;&quot;&#39;&gt;&amp;");
    }
}
