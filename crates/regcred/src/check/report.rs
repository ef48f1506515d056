//! The findings as text and as JSON; the last line is the verdict.

use std::fmt::Write as _;

use regcred_engine::{ConfigError, TextTable};
use serde::Serialize;

use super::finding::{Finding, Severity};

/// What a check has found.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CheckReport {
    pub(super) findings: Vec<Finding>,
    /// What the kubelet logs when it exits at its start.
    pub(super) kubelet_error: Option<String>,
    /// The last line.
    pub(crate) verdict: String,
    pub(crate) errors: usize,
    pub(super) warnings: usize,
    pub(super) notes: usize,
}

impl CheckReport {
    pub(super) fn new(
        mut findings: Vec<Finding>,
        problems: &[ConfigError],
        first: Option<u32>,
    ) -> Self {
        findings.sort_by_key(|finding| finding.severity);
        let count = |severity| {
            let same = findings.iter().filter(|one| one.severity == severity);
            same.count()
        };
        let (errors, warnings, notes) = (
            count(Severity::Error),
            count(Severity::Warning),
            count(Severity::Note),
        );
        let kubelet_error = problems.first().map(ToString::to_string);
        let counts = [(errors, "error"), (warnings, "warning"), (notes, "note")];
        let counts = counts.map(|(n, word)| format!("{n} {word}{}", if n == 1 { "" } else { "s" }));
        let exits = kubelet_error.is_some() || errors > 0;
        let starts = match first.filter(|_| !exits) {
            Some(minor) => format!("kubelets from 1.{minor} on start with this configuration"),
            None if kubelet_error.is_some() => {
                "a kubelet exits at its start with this configuration".to_owned()
            }
            None if errors > 0 => "the kubelet or a pull fails with this configuration".to_owned(),
            None => "no provider configuration is named".to_owned(),
        };
        Self {
            verdict: format!("{starts}: {}", counts.join(", ")),
            findings,
            kubelet_error,
            errors,
            warnings,
            notes,
        }
    }

    pub(crate) fn text(&self) -> String {
        let mut table = TextTable::default();
        for finding in &self.findings {
            table.line(0, finding);
        }
        let mut text = table.into_text();
        if let Some(error) = &self.kubelet_error {
            let mut logged = TextTable::default();
            logged.line(0, format_args!("the kubelet logs: {error}"));
            let _ = write!(text, "\n{}", logged.into_text());
        }
        let _ = write!(text, "\n{}", self.verdict);
        text.trim_start().to_owned()
    }
}
