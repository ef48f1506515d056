//! `/metrics` in Prometheus' text format (version 0.0.4).

use std::fmt::{Display, Write as _};

use chrono::{DateTime, Utc};

use super::state::{SourceState, State, Status, TargetState};

impl Status {
    /// All metrics.
    #[must_use]
    pub fn metrics(&self) -> String {
        let state = &*self.lock();
        let mut page = String::new();
        let mut family = |name: &str, kind: &str, help: &str, samples: Vec<Sample>| {
            let name = format!("regcred_refresh_{name}");
            let _ = writeln!(page, "# HELP {name} {help}\n# TYPE {name} {kind}");
            for (rest, value) in samples {
                let _ = writeln!(page, "{name}{rest} {value}");
            }
        };
        family(
            "token_expiry_timestamp_seconds",
            "gauge",
            "When the token expires.",
            sources(state, |source| seconds(source.life?.expires)),
        );
        family(
            "token_last_success_timestamp_seconds",
            "gauge",
            "When the last token was issued.",
            sources(state, |source| seconds(source.last_success)),
        );
        let results = state.sources.iter().flat_map(|source| {
            let issued = [("success", source.issued)].into_iter();
            let failed = source.failed.iter().map(|(kind, count)| (*kind, *count));
            let results = issued.chain(failed);
            results.map(|(result, count)| {
                sample("", &[("source", &source.name), ("result", result)], count)
            })
        });
        family(
            "token_refresh_total",
            "counter",
            "Token requests by result: success, or the kind of failure.",
            results.collect(),
        );
        let durations = state.sources.iter().flat_map(|source| {
            let labels = [("source", source.name.as_str()), ("operation", "token")];
            let count = source.issued + source.failed.values().sum::<u64>();
            [
                sample("_sum", &labels, format!("{:.3}", source.seconds)),
                sample("_count", &labels, count),
            ]
        });
        family(
            "provider_request_duration_seconds",
            "summary",
            "Duration of token requests.",
            durations.collect(),
        );
        family(
            "secrets_managed",
            "gauge",
            "Objects that are up to date.",
            targets(state, |target| Some(target.summary.good.to_string())),
        );
        family(
            "namespace_errors",
            "gauge",
            "Objects that are not up to date.",
            targets(state, |target| Some(target.summary.failing.to_string())),
        );
        family(
            "target_expiry_timestamp_seconds",
            "gauge",
            "When the first entry of the target's objects expires.",
            targets(state, |target| seconds(target.summary.expires)),
        );
        family(
            "target_last_success_timestamp_seconds",
            "gauge",
            "When an object of the target was last found or made up to date.",
            targets(state, |target| seconds(target.last_success)),
        );
        let writes = state.targets.iter().flat_map(|target| {
            let actions = target.actions.iter();
            actions.map(|(action, count)| {
                sample("", &[("target", &target.name), ("action", action)], count)
            })
        });
        family(
            "secret_writes_total",
            "counter",
            "Results of the work on objects.",
            writes.collect(),
        );
        let errors = state.targets.iter().flat_map(|target| {
            let errors = target.errors.iter();
            errors.map(|(reason, count)| {
                sample("", &[("target", &target.name), ("reason", reason)], count)
            })
        });
        family(
            "errors_total",
            "counter",
            "Failures by reason.",
            errors.collect(),
        );
        family(
            "api_requests_total",
            "counter",
            "Requests to the API server.",
            vec![(String::new(), state.requests.to_string())],
        );
        family(
            "leader",
            "gauge",
            "1 if this process does the work.",
            vec![(String::new(), u8::from(state.leader).to_string())],
        );
        page
    }
}

/// What follows the family's name, and the value.
type Sample = (String, String);

fn sources(state: &State, value: impl Fn(&SourceState) -> Option<String>) -> Vec<Sample> {
    let all = state.sources.iter();
    all.filter_map(|source| Some(sample("", &[("source", &source.name)], value(source)?)))
        .collect()
}

fn targets(state: &State, value: impl Fn(&TargetState) -> Option<String>) -> Vec<Sample> {
    let all = state.targets.iter();
    all.filter_map(|target| Some(sample("", &[("target", &target.name)], value(target)?)))
        .collect()
}

fn seconds(time: Option<DateTime<Utc>>) -> Option<String> {
    Some(time?.timestamp().to_string())
}

fn sample(suffix: &str, labels: &[(&str, &str)], value: impl Display) -> Sample {
    let labels = labels.iter().map(|(name, value)| {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"");
        format!("{name}=\"{}\"", value.replace('\n', "\\n"))
    });
    let labels = labels.collect::<Vec<_>>().join(",");
    (format!("{suffix}{{{labels}}}"), value.to_string())
}
