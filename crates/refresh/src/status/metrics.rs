//! `/metrics` in Prometheus' text format (version 0.0.4).

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use super::Status;

impl Status {
    /// All metrics.
    #[must_use]
    pub fn metrics(&self) -> String {
        let inner = self.lock();
        let mut page = Page(String::new());
        let seconds = |time: DateTime<Utc>| time.timestamp().to_string();
        let sources = || inner.sources.iter().map(|s| (label("source", &s.name), s));
        let targets = || inner.targets.iter().map(|t| (label("target", &t.name), t));

        page.family(
            "token_expiry_timestamp_seconds",
            "gauge",
            "When the token ends.",
        );
        for (labels, source) in sources() {
            if let Some(end) = source.life.and_then(|life| life.expires) {
                page.value("token_expiry_timestamp_seconds", &labels, &seconds(end));
            }
        }
        page.family(
            "token_last_success_timestamp_seconds",
            "gauge",
            "When a token was issued last.",
        );
        for (labels, source) in sources() {
            if let Some(last) = source.last_success {
                page.value(
                    "token_last_success_timestamp_seconds",
                    &labels,
                    &seconds(last),
                );
            }
        }
        page.family(
            "token_refresh_total",
            "counter",
            "Token requests by result: success, or the kind of failure.",
        );
        for (labels, source) in sources() {
            let result = |result: &str| format!("{labels},{}", label("result", result));
            page.value(
                "token_refresh_total",
                &result("success"),
                &source.issued.to_string(),
            );
            for (kind, count) in &source.failed {
                page.value("token_refresh_total", &result(kind), &count.to_string());
            }
        }
        page.family(
            "provider_request_duration_seconds",
            "summary",
            "Time that token requests took.",
        );
        for (labels, source) in sources() {
            let count = source.issued + source.failed.values().sum::<u64>();
            let labels = format!("{labels},{}", label("operation", "token"));
            let name = "provider_request_duration_seconds";
            page.value(
                &format!("{name}_sum"),
                &labels,
                &format!("{:.3}", source.seconds),
            );
            page.value(&format!("{name}_count"), &labels, &count.to_string());
        }
        page.family(
            "secrets_managed",
            "gauge",
            "Objects that are as they should be.",
        );
        for (labels, target) in targets() {
            page.value("secrets_managed", &labels, &target.summary.good.to_string());
        }
        page.family(
            "namespace_errors",
            "gauge",
            "Objects that are not as they should be.",
        );
        for (labels, target) in targets() {
            page.value(
                "namespace_errors",
                &labels,
                &target.summary.failing.to_string(),
            );
        }
        page.family(
            "target_expiry_timestamp_seconds",
            "gauge",
            "When the first entry of the target's objects ends.",
        );
        for (labels, target) in targets() {
            if let Some(end) = target.summary.expires {
                page.value("target_expiry_timestamp_seconds", &labels, &seconds(end));
            }
        }
        page.family(
            "target_last_success_timestamp_seconds",
            "gauge",
            "When an object of the target was last found or made as it should be.",
        );
        for (labels, target) in targets() {
            if let Some(last) = target.last_success {
                page.value(
                    "target_last_success_timestamp_seconds",
                    &labels,
                    &seconds(last),
                );
            }
        }
        page.family(
            "secret_writes_total",
            "counter",
            "What was done with objects.",
        );
        for (labels, target) in targets() {
            for (action, count) in &target.actions {
                let labels = format!("{labels},{}", label("action", action));
                page.value("secret_writes_total", &labels, &count.to_string());
            }
        }
        page.family("errors_total", "counter", "Failures by reason.");
        for (labels, target) in targets() {
            for (reason, count) in &target.errors {
                let labels = format!("{labels},{}", label("reason", reason));
                page.value("errors_total", &labels, &count.to_string());
            }
        }
        page.family(
            "api_requests_total",
            "counter",
            "Requests to the API server.",
        );
        page.value("api_requests_total", "", &inner.requests.to_string());
        page.family("leader", "gauge", "1 where this process does the work.");
        page.value("leader", "", if inner.leader { "1" } else { "0" });
        page.0
    }
}

struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = write!(
            self.0,
            "# HELP {PREFIX}{name} {help}\n# TYPE {PREFIX}{name} {kind}\n"
        );
    }

    fn value(&mut self, name: &str, labels: &str, value: &str) {
        let _ = match labels.is_empty() {
            true => writeln!(self.0, "{PREFIX}{name} {value}"),
            false => writeln!(self.0, "{PREFIX}{name}{{{labels}}} {value}"),
        };
    }
}

fn label(name: &str, value: &str) -> String {
    let value = value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("{name}=\"{value}\"")
}

const PREFIX: &str = "regcred_refresh_";
