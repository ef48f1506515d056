//! `/metrics` in Prometheus' text format (version 0.0.4).

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};

use chrono::{DateTime, Utc};

use super::state::{SourceState, State, Status, TargetState};

impl Status {
    pub(crate) fn metrics(&self) -> String {
        let state = &*self.lock();
        let mut page = String::new();
        for (name, kind, help, samples) in FAMILIES {
            let name = format!("regcred_refresh_{name}");
            let _ = writeln!(page, "# HELP {name} {help}\n# TYPE {name} {kind}");
            for (rest, value) in samples(state) {
                let _ = writeln!(page, "{name}{rest} {value}");
            }
        }
        page
    }
}

/// What follows the family's name, and the value.
type Sample = (String, String);
/// Name without its prefix, type, help, and the samples.
type Family = (
    &'static str,
    &'static str,
    &'static str,
    fn(&State) -> Vec<Sample>,
);

#[rustfmt::skip]
const FAMILIES: &[Family] = &[
    ("token_expiry_timestamp_seconds", "gauge", "When the token expires.",
        |all| sources(all, |source| seconds(source.life?.expires))),
    ("token_last_success_timestamp_seconds", "gauge", "When the last token was issued.",
        |all| sources(all, |source| Some(seconds_or_never(source.last_success)))),
    ("token_refresh_total", "counter", "Token requests by result: success, or the kind of failure.",
        |all| counts("source", all.sources.iter().map(|source| (&source.name, &source.results)), "result")),
    ("provider_request_duration_seconds", "summary", "Duration of token requests.",
        durations),
    ("secrets_managed", "gauge", "Objects that are up to date.",
        |all| targets(all, |target| Some(target.summary.good.to_string()))),
    ("namespace_errors", "gauge", "Objects that are not up to date.",
        |all| targets(all, |target| Some(target.summary.failing.to_string()))),
    ("target_expiry_timestamp_seconds", "gauge", "When the first entry of the target's objects expires: +Inf for never, 0 while no entry is known.",
        expiries),
    ("target_last_success_timestamp_seconds", "gauge", "When an object of the target was last found or made up to date.",
        |all| targets(all, |target| Some(seconds_or_never(target.last_success)))),
    ("secret_writes_total", "counter", "Results of the work on Secrets, not on service accounts and files.",
        |all| counts("target", all.targets.iter().map(|target| (&target.name, &target.actions)), "action")),
    ("errors_total", "counter", "Failures by reason.",
        |all| counts("target", all.targets.iter().map(|target| (&target.name, &target.errors)), "reason")),
    ("api_requests_total", "counter", "Requests to the API server.",
        |all| vec![(String::new(), all.requests.sent.to_string())]),
    ("api_request_errors_total", "counter", "Requests to the API server that failed, by reason.",
        |all| all.requests.failed.iter().map(|(reason, count)| sample("", &[("reason", reason)], count)).collect()),
    ("panics_total", "counter", "Panics, which are bugs, of tasks that began again.",
        |all| all.panics.iter().map(|(task, count)| sample("", &[("task", task)], count)).collect()),
    ("leader", "gauge", "1 if this process does the work.",
        |all| vec![(String::new(), u8::from(all.leader).to_string())]),
];

fn sources(state: &State, value: fn(&SourceState) -> Option<String>) -> Vec<Sample> {
    let all = state.sources.iter();
    let all = all.filter_map(|one| Some(sample("", &[("source", &one.name)], value(one)?)));
    all.collect()
}

fn targets(state: &State, value: fn(&TargetState) -> Option<String>) -> Vec<Sample> {
    let all = state.targets.iter();
    let all = all.filter_map(|one| Some(sample("", &[("target", &one.name)], value(one)?)));
    all.collect()
}

/// The series is there from the start, so that an alert on it can fire.
fn expiries(state: &State) -> Vec<Sample> {
    let value = |target: &TargetState| {
        let summary = &target.summary;
        let is_complete = state.listed && summary.failing == 0 && summary.waiting == 0;
        match summary.expires {
            Some(end) => end.timestamp().to_string(),
            None if summary.endless || is_complete => "+Inf".to_owned(),
            None => "0".to_owned(),
        }
    };
    let all = state.targets.iter();
    all.map(|one| sample("", &[("target", &one.name)], value(one)))
        .collect()
}

fn durations(state: &State) -> Vec<Sample> {
    let of_source = |source: &SourceState| {
        let labels = [("source", source.name.as_str()), ("operation", "token")];
        let count: u64 = source.results.values().sum();
        [
            sample("_sum", &labels, format!("{:.3}", source.seconds)),
            sample("_count", &labels, count),
        ]
    };
    state.sources.iter().flat_map(of_source).collect()
}

/// Counts of several sources or targets, with their label and name and the label of the counts.
fn counts<'a>(
    label: &str,
    all: impl Iterator<Item = (&'a String, &'a BTreeMap<&'static str, u64>)>,
    counted: &str,
) -> Vec<Sample> {
    let of_one = |(name, counts): (&String, &BTreeMap<&'static str, u64>)| {
        let counts = counts.iter();
        let sample =
            |(what, count): (&&str, _)| sample("", &[(label, name), (counted, what)], count);
        counts.map(sample).collect::<Vec<_>>()
    };
    all.flat_map(of_one).collect()
}

fn seconds(time: Option<DateTime<Utc>>) -> Option<String> {
    Some(time?.timestamp().to_string())
}

/// 0 for a time that has not come yet.
fn seconds_or_never(time: Option<DateTime<Utc>>) -> String {
    time.map_or(0, |time| time.timestamp()).to_string()
}

fn sample(suffix: &str, labels: &[(&str, &str)], value: impl Display) -> Sample {
    let labels = labels.iter().map(|(name, value)| {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"");
        format!("{name}=\"{}\"", value.replace('\n', "\\n"))
    });
    let labels = labels.collect::<Vec<_>>().join(",");
    (format!("{suffix}{{{labels}}}"), value.to_string())
}
