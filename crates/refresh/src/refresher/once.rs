//! One run over everything: for a CronJob, a timer, or a person who wants to see what would happen.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::stream::{self, StreamExt as _};

use super::context::Refresher;
use crate::life::rfc3339;
use crate::plan::Namespace;
use crate::report::Report;

/// A run could not start, or a registry issued no token to print.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A list failed.
    #[error("the namespaces cannot be listed")]
    Namespaces(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A registry issued no token.
    #[error("registry {0}: {1}")]
    Registry(String, String),
}

impl Refresher {
    /// Processes every object once. `each` sees every report as it comes.
    ///
    /// # Errors
    /// If the namespaces cannot be listed. What fails for one object is in its report.
    pub async fn once(&self, mut each: impl FnMut(&Report)) -> Result<Vec<Report>, RunError> {
        let namespaces = self.all_namespaces().await?;
        let mut reports = Vec::new();
        for place in 0..self.plan.files.len() {
            reports.extend(self.serve_file(place).await.reports);
        }
        reports.iter().for_each(&mut each);
        let secrets = self.plan.secrets.iter().enumerate();
        let works = secrets.flat_map(|(place, plan)| {
            let mentioned = namespaces.iter().filter(|ns| plan.mentions(ns));
            mentioned.map(move |namespace| (place, namespace))
        });
        let mut outcomes = stream::iter(works)
            .map(|(place, ns)| self.serve_secret(place, ns, None, None))
            .buffer_unordered(self.plan.limits.parallel);
        while let Some(outcome) = outcomes.next().await {
            outcome.reports.iter().for_each(&mut each);
            reports.extend(outcome.reports);
        }
        reports.iter().for_each(|report| self.status.report(report));
        Ok(reports)
    }

    /// A sentence for each target with a login that expires before the next run.
    pub(crate) fn too_short_for(&self, reports: &[Report], next_run: DateTime<Utc>) -> Vec<String> {
        let mut short: BTreeMap<&str, DateTime<Utc>> = BTreeMap::new();
        for report in reports.iter().filter(|report| report.action.is_good()) {
            if let Some(end) = report.expires_at.filter(|end| *end < next_run) {
                let known = short.entry(&report.target).or_insert(end);
                *known = end.min(*known);
            }
        }
        let sentence = |(target, end)| {
            let end = rfc3339(end);
            format!("target {target}: a login expires at {end}, before the next run")
        };
        short.into_iter().map(sentence).collect()
    }

    /// When another attempt after a failure will have been made.
    pub(crate) fn next_attempt(&self) -> DateTime<Utc> {
        let period = TimeDelta::from_std(self.plan.intervals.reapply.0);
        self.clock.now() + period.unwrap_or(TimeDelta::minutes(15))
    }

    pub(super) async fn all_namespaces(&self) -> Result<Vec<Namespace>, RunError> {
        let Some(cluster) = &self.cluster else {
            return Ok(Vec::new());
        };
        if let Some(names) = self.plan.named_namespaces() {
            return Ok(names.into_iter().map(Namespace::named).collect());
        }
        let decisive = self.plan.annotations();
        let all = cluster.namespaces().await;
        let all = all.map_err(|error| RunError::Namespaces(Box::new(error)))?;
        let all = all.into_iter();
        Ok(all.map(|object| Namespace::of(object, &decisive)).collect())
    }
}
