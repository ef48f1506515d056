//! What the state means for pods, in sentences.

use chrono::{DateTime, Utc};

use super::span::{span, until};
use super::state::{State, TargetState};

/// One sentence if all is well, else what is wrong: first where pods have no login.
pub(super) fn verdict(state: &State, now: DateTime<Utc>) -> Result<String, Vec<String>> {
    let (mut pods, mut later) = (Vec::new(), Vec::new());
    for target in &state.targets {
        if target.summary.lacking.count > 0 {
            pods.push(lacks(target, now));
        } else if target.summary.failing > 0 {
            later.push(not_up_to_date(target, now));
        }
    }
    let failing = state.sources.iter().filter_map(|source| {
        let (since, _) = source.failure.as_ref()?;
        let since = span((now - *since).num_seconds());
        Some(format!(
            "Registry {} has issued no token for {since}.",
            source.name
        ))
    });
    let obstacles = state.obstacles();
    let obstacles = obstacles.iter().map(|why| format!("Not ready: {why}."));
    let all: Vec<_> = pods
        .into_iter()
        .chain(later)
        .chain(failing)
        .chain(obstacles)
        .collect();
    if all.is_empty() {
        Ok(well(state, now))
    } else {
        Err(all)
    }
}

fn well(state: &State, now: DateTime<Utc>) -> String {
    if !state.leader {
        return "Another replica works: its page has the state of Secrets. This one takes over when the \
                other ends."
            .to_owned();
    }
    let summaries = state.targets.iter().map(|target| &target.summary);
    let good: usize = summaries.clone().map(|summary| summary.good).sum();
    let waiting: usize = summaries.clone().map(|summary| summary.waiting).sum();
    let first = summaries.filter_map(|summary| summary.expires).min();
    if good + waiting == 0 {
        return "No namespace is selected, so no Secret is written.".to_owned();
    }
    let mut text = format!("Up to date: {good} of {} objects", good + waiting);
    if let Some(end) = first {
        let end = until(end, now);
        text.push_str(&format!(
            "; the first login expires {end}, and is renewed before"
        ));
    }
    text + "."
}

fn lacks(target: &TargetState, now: DateTime<Utc>) -> String {
    let lacking = &target.summary.lacking;
    let since = lacking.since.unwrap_or(now);
    let since = span((now - since).num_seconds());
    let who = if target.kind == "Secret" {
        let named: Vec<&str> = lacking.namespaces.iter().map(|name| &**name).collect();
        let more = if lacking.has_more {
            " and other namespaces"
        } else {
            ""
        };
        format!("in {}{more}", named.join(", "))
    } else {
        format!("in {}", target.place)
    };
    let mut text = format!(
        "Target {}: no login that is known to be valid, for {since}, {who}.",
        target.name
    );
    let others = total(target) - lacking.count;
    if others > 0 {
        let until = holds(target, now);
        text.push_str(&format!(" The other {others} hold {until}."));
    }
    text
}

fn not_up_to_date(target: &TargetState, now: DateTime<Utc>) -> String {
    let failing = target.summary.failing;
    let (total, until) = (total(target), holds(target, now));
    format!(
        "Target {}: {failing} of {total} objects not up to date; the logins there hold {until}.",
        target.name
    )
}

fn holds(target: &TargetState, now: DateTime<Utc>) -> String {
    match target.summary.holds_until {
        Some(end) => format!(
            "until {} ({})",
            end.format("%Y-%m-%d %H:%M UTC"),
            until(end, now)
        ),
        None => "without an end that is known".to_owned(),
    }
}

fn total(target: &TargetState) -> usize {
    let summary = &target.summary;
    summary.good + summary.failing + summary.waiting
}
