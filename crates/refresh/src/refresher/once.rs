//! One run over everything: for a CronJob, a timer, or a person who wants to see what would happen;
//! and the removal of everything that was written.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use futures_util::stream::{self, StreamExt as _};
use regcred_api::docker_config::Format;
use regcred_docker_config::{Document, EntryForm};
use secrecy::SecretString;

use super::context::Refresher;
use super::file;
use crate::cluster::{Cluster, ClusterError};
use crate::error::RunError;
use crate::failure::RefreshFailure;
use crate::life::{delta, rfc3339};
use crate::plan::{Namespace, SecretPlan};
use crate::report::{Action, Report};

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

    /// A docker configuration with the logins of all registries, or of one target's, unless one of
    /// them issues no token.
    pub(crate) async fn print(&self, target: Option<&str>) -> Result<SecretString, RunError> {
        let chosen = self.plan.sources_of(target)?;
        let mut document = Document::empty(Format::ConfigJson);
        for (place, source) in self.plan.sources.iter().enumerate() {
            if !chosen.contains(&place) {
                continue;
            }
            let registry = &source.registry;
            let fail = |why: &str| RunError::new(format!("registry {}: {why}", registry.name));
            if registry.namespace_identity.is_some() {
                let why = "it has a token for each namespace, but none of its own";
                return Err(fail(why));
            }
            let available = self.tokens.get(place, None).await;
            let why = available.failure.map(|failure| failure.failure.to_string());
            let token = available.token;
            let token = token.ok_or_else(|| fail(why.as_deref().unwrap_or("no token")))?;
            token.add_to(&mut document, EntryForm::Full);
        }
        Ok(document.compact())
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
        self.clock.now() + delta(self.plan.intervals.reapply.0)
    }

    pub(super) async fn all_namespaces(&self) -> Result<Vec<Namespace>, RunError> {
        let Some(cluster) = &self.cluster else {
            return Ok(Vec::new());
        };
        if let Some(names) = self.plan.named_namespaces() {
            return Ok(names.into_iter().map(Namespace::named).collect());
        }
        let decisive = self.plan.annotations();
        let all = cluster.namespaces(self.plan.trim()).await;
        let all = all.map_err(RunError::at("the namespaces cannot be listed"))?;
        let all = all.into_iter();
        Ok(all.map(|object| Namespace::of(object, &decisive)).collect())
    }

    /// Removes what was written: the names from service accounts first, then our Secrets, then the
    /// entries in files. What others created stays.
    ///
    /// # Errors
    /// If the namespaces cannot be listed.
    pub async fn cleanup(&self, mut each: impl FnMut(&Report)) -> Result<Vec<Report>, RunError> {
        let namespaces = self.all_namespaces().await?;
        let mut reports = Vec::new();
        let secrets = self.plan.secrets.iter();
        let works = secrets.flat_map(|plan| namespaces.iter().map(move |ns| (plan, ns)));
        if let Some(cluster) = &self.cluster {
            let mut done = stream::iter(works)
                .map(|(plan, namespace)| self.clean(cluster, plan, namespace))
                .buffer_unordered(self.plan.limits.parallel);
            while let Some(done) = done.next().await {
                done.iter().for_each(&mut each);
                reports.extend(done);
            }
        }
        for plan in &self.plan.files {
            let sources = plan.sources.iter();
            let hosts = sources.flat_map(|s| self.plan.sources[*s].registry.hosts.clone());
            let hosts: Vec<String> = hosts.collect();
            let mut report = Report::of_file(&plan.target, &plan.file.path);
            match file::remove(&plan.file, self.mode.dry_run, &hosts) {
                Ok(Action::Update) => {
                    let why = format!("without the entries of {}", hosts.join(" "));
                    report = report.with(Action::Update, why);
                }
                Ok(action) => report.action = action,
                Err(error) => {
                    report = report.failed(Action::Failed, file::unwritten(&error));
                }
            }
            each(&report);
            reports.push(report);
        }
        Ok(reports)
    }

    async fn clean(
        &self,
        cluster: &Cluster,
        plan: &SecretPlan,
        namespace: &Namespace,
    ) -> Vec<Report> {
        let name = plan.name_in(&namespace.name);
        let mut reports = Vec::new();
        let report = || Report::new(&plan.target, &namespace.name, "Secret", &*name);
        let work = async {
            let Some(found) = cluster.secret(&namespace.name, &name).await? else {
                return Ok(());
            };
            if !found.is_ours() {
                reports.push(report().with(Action::Skip, "it was not created by the refresher"));
                return Ok(());
            }
            let linked = self.link_accounts(cluster, plan, namespace, None, false);
            let (unlinked, failure) = linked.await;
            reports.extend(unlinked);
            if failure.is_some() {
                let why = "it is kept until no service account lists it";
                let next = "correct what is reported of the service account, and clean up again";
                let failure = RefreshFailure::new(why, Some(next));
                reports.push(report().failed(Action::Failed, failure));
                return Ok(());
            }
            if !self.mode.dry_run {
                let deleted = cluster.delete_secret(&namespace.name, &name, &found.uid);
                deleted.await?;
            }
            reports.push(Report {
                action: Action::Delete,
                ..report()
            });
            Ok::<_, ClusterError>(())
        };
        if let Err(error) = work.await {
            reports.push(report().caused_by(&error));
        }
        reports
    }
}
