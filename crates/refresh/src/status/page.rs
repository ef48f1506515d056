//! The status page: one read-only HTML document without scripts, that renews itself. What is wrong comes
//! first, by what it means for pods; each error has a line of its own, once.

use chrono::{DateTime, Utc};

use super::span::{span, until};
use super::state::{SUCCESS, SourceState, Status, TargetState};
use super::verdict::verdict;
use crate::life::{Life, rfc3339};

impl Status {
    pub(crate) fn page(&self) -> String {
        let now = self.clock.now();
        let is_ready = self.ready().is_ok();
        let state = self.lock();
        let (class, word) = if is_ready {
            ("good", "ready")
        } else {
            ("bad", "not ready")
        };
        let values = [
            word.to_owned(),
            class.to_owned(),
            word.to_owned(),
            if state.leader { "leader" } else { "standby" }.to_owned(),
            span((now - state.started).num_seconds()),
            lines(&verdict(&state, now)),
            failing_first(&state.targets, |target| {
                target.failure.is_some() || target.summary.failing > 0
            })
            .map(|target| target_rows(target, now))
            .collect(),
            failing_first(&state.sources, |source| source.failure.is_some())
                .map(|source| source_rows(source, now))
                .collect(),
            rfc3339(now),
            state.requests.sent.to_string(),
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

fn failing_first<T>(all: &[T], fails: impl Fn(&T) -> bool) -> impl Iterator<Item = &T> {
    let (bad, good): (Vec<_>, Vec<_>) = all.iter().partition(|one| fails(one));
    bad.into_iter().chain(good)
}

/// One line is a sentence, more are a list of what is wrong.
fn lines(verdict: &Result<String, Vec<String>>) -> String {
    match verdict {
        Ok(text) => format!("<p>{}</p>", escape(text)),
        Err(wrong) => {
            let items = wrong.iter().map(|line| format!("<li>{}", escape(line)));
            format!("<ul class=\"bad\">{}</ul>", items.collect::<String>())
        }
    }
}

fn target_rows(target: &TargetState, now: DateTime<Utc>) -> String {
    let summary = &target.summary;
    let expires = match summary.expires {
        Some(end) => escape(&until(end, now)),
        None if summary.endless => "never, or unknown".to_owned(),
        None => String::new(),
    };
    let cells = [
        cell("name", "Name", &escape(&target.name)),
        cell("", "Kind", target.kind),
        cell("text", "Object", &escape(&target.place)),
        cell("number", "Up to date", &summary.good.to_string()),
        cell("number", "Failing", &summary.failing.to_string()),
        cell("number", "Waiting", &summary.waiting.to_string()),
        cell("", "First login expires", &expires),
    ];
    row(&cells, target.failure.as_ref(), now)
}

fn source_rows(source: &SourceState, now: DateTime<Utc>) -> String {
    let issued = source.results[SUCCESS];
    let failed = source.results.values().sum::<u64>() - issued;
    let mut hosts: Vec<_> = source.hosts.iter().map(|host| escape(host)).collect();
    if source.tenants {
        hosts.push("(a token for each namespace)".to_owned());
    }
    let expires = match source.life {
        Some(life) => drawn(&life, now),
        None if failed > 0 => "no token: every request failed".to_owned(),
        None => "none requested yet".to_owned(),
    };
    let cells = [
        cell("name", "Name", &escape(&source.name)),
        cell("text", "Provider", &escape(&source.provider)),
        cell("", "Hosts", &hosts.join("<br>")),
        cell("", "Login expires", &expires),
        cell("number", "Issued", &issued.to_string()),
        cell("number", "Failed", &failed.to_string()),
    ];
    row(&cells, source.failure.as_ref(), now)
}

fn cell(class: &str, label: &str, html: &str) -> String {
    format!("<td class=\"{class}\" data-label=\"{label}\">{html}")
}

/// A row, and the error on a line of its own below it.
fn row(cells: &[String], failure: Option<&(DateTime<Utc>, String)>, now: DateTime<Utc>) -> String {
    let mut rows = format!("<tr>{}</tr>\n", cells.concat());
    if let Some((since, text)) = failure {
        let (columns, since) = (cells.len(), span((now - *since).num_seconds()));
        let text = escape(text);
        rows.push_str(&format!(
            "<tr class=\"error\"><td class=\"text\" colspan=\"{columns}\">{text} (for {since})</tr>\n"
        ));
    }
    rows
}

/// What is left of a life, as a bar and as text.
fn drawn(life: &Life, now: DateTime<Utc>) -> String {
    let Some(end) = life.expires else {
        return "never, or unknown".to_owned();
    };
    let whole = (end - life.issued).num_seconds().max(1);
    let left = (end - now).num_seconds().clamp(0, whole);
    let text = until(end, now);
    format!(
        "<meter max=\"{whole}\" low=\"{}\" high=\"{}\" optimum=\"{whole}\" value=\"{left}\"></meter>{text}",
        whole / 5,
        whole * 2 / 5
    )
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
    fn texts_cannot_become_markup() {
        assert_eq!(escape("<b a='\"'>&"), "&lt;b a=&#39;&quot;&#39;&gt;&amp;");
    }
}
