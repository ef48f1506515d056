//! One run over everything: for a CronJob or a timer, for a person who wants to see what would
//! happen, and for the removal of everything that was written.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::stream::{self, StreamExt as _};
use regcred_api::docker_config::Format;
use regcred_docker_config::{Document, EntryForm};
use secrecy::SecretString;

use crate::cluster::{Cluster, ClusterError, Object};
use crate::docker_file;
use crate::plan::{Namespace, Plan, Scope, SecretPlan};
use crate::refresher::{Accounts, Refresher, wanted_accounts};
use crate::report::{Action, Report};
use crate::token::written;

/// The namespaces could not be listed, or there is no cluster for a target that needs one.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A list failed.
    #[error("the namespaces cannot be listed")]
    Namespaces(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A registry gave no token.
    #[error("registry {0}: {1}")]
    Registry(String, String),
}

impl Refresher {
    /// Works on every object once; each report is handed on as it comes.
    ///
    /// # Errors
    /// When the namespaces cannot be listed. What fails for one object is in its report.
    pub async fn once(&self, mut tell: impl FnMut(&Report)) -> Result<Vec<Report>, RunError> {
        let namespaces = self.all_namespaces().await?;
        let mut reports = Vec::new();
        for place in 0..self.plan.files.len() {
            reports.extend(self.serve_file(place).await.reports);
        }
        reports.iter().for_each(&mut tell);
        let works = self
            .plan
            .secrets
            .iter()
            .enumerate()
            .flat_map(|(place, plan)| {
                let meant = namespaces.iter().filter(|ns| plan.mentions(ns));
                meant.map(move |namespace| (place, namespace))
            });
        let mut served = stream::iter(works)
            .map(|(place, ns)| self.serve_secret(place, ns, None, Accounts::Unknown))
            .buffer_unordered(self.plan.limits.parallel);
        while let Some(served) = served.next().await {
            served.reports.iter().for_each(&mut tell);
            reports.extend(served.reports);
        }
        reports.iter().for_each(|report| self.status.report(report));
        Ok(reports)
    }

    /// Takes away what was written: the names from service accounts first, then the Secrets of ours,
    /// then the entries in files. What others made stays.
    ///
    /// # Errors
    /// When the namespaces cannot be listed.
    pub async fn cleanup(&self, mut tell: impl FnMut(&Report)) -> Result<Vec<Report>, RunError> {
        let namespaces = self.all_namespaces().await?;
        let mut reports = Vec::new();
        let works = self
            .plan
            .secrets
            .iter()
            .flat_map(|plan| namespaces.iter().map(move |namespace| (plan, namespace)));
        if let Some(cluster) = &self.cluster {
            let mut done = stream::iter(works)
                .map(|(plan, namespace)| self.clean(cluster, plan, namespace))
                .buffer_unordered(self.plan.limits.parallel);
            while let Some(done) = done.next().await {
                done.iter().for_each(&mut tell);
                reports.extend(done);
            }
        }
        for plan in &self.plan.files {
            let sources = plan
                .sources
                .iter()
                .map(|source| &self.plan.sources[*source]);
            let hosts: Vec<String> = sources.flat_map(|source| source.hosts.clone()).collect();
            let mut report = Report::new(&plan.target, "File", &plan.path.display().to_string());
            match docker_file::remove(&plan.file(), self.mode.dry_run, &hosts) {
                Ok(action) => report.action = action,
                Err(error) => report.reason = Some(regcred_core::report(&error)),
            }
            tell(&report);
            reports.push(report);
        }
        Ok(reports)
    }

    /// A docker configuration with the logins of all registries, or of one target's.
    ///
    /// # Errors
    /// When a registry gives no token.
    pub async fn print(&self, target: Option<&str>) -> Result<SecretString, RunError> {
        let chosen = self.plan.sources_of(target);
        let mut document = Document::empty(Format::ConfigJson);
        for (place, source) in self.plan.sources.iter().enumerate() {
            if !chosen.contains(&place) {
                continue;
            }
            let fail = |why: &str| RunError::Registry(source.name.clone(), why.to_owned());
            if source.identity.is_some() {
                return Err(fail("it has a token for each namespace, none of its own"));
            }
            let answer = self.tokens.get(place, None).await;
            let why = answer.failure.map(|failure| failure.text);
            let token = answer
                .token
                .ok_or_else(|| fail(why.as_deref().unwrap_or("no token")))?;
            for (host, login) in &token.logins {
                if !document.has(host) {
                    document.set(host, &written(login), EntryForm::Full);
                }
            }
        }
        Ok(document.compact())
    }

    /// Registries whose token will be over before the next run.
    #[must_use]
    pub fn too_short_for(&self, reports: &[Report], next_run: DateTime<Utc>) -> Vec<String> {
        let mut short: BTreeMap<&str, DateTime<Utc>> = BTreeMap::new();
        for report in reports.iter().filter(|report| report.action.is_good()) {
            if let Some(end) = report.expires_at.filter(|end| *end < next_run) {
                let known = short.entry(&report.target).or_insert(end);
                *known = end.min(*known);
            }
        }
        let sentence = |(target, end): (&str, DateTime<Utc>)| {
            let end = crate::secret::rfc3339(end);
            format!("target {target}: a login ends at {end}, before the next run")
        };
        short.into_iter().map(sentence).collect()
    }

    /// When the next attempt after a failure will have been made.
    #[must_use]
    pub fn next_attempt(&self) -> DateTime<Utc> {
        let period = TimeDelta::from_std(self.plan.intervals.reapply.0);
        self.clock.now() + period.unwrap_or(TimeDelta::minutes(15))
    }

    async fn all_namespaces(&self) -> Result<Vec<Namespace>, RunError> {
        let Some(cluster) = &self.cluster else {
            return Ok(Vec::new());
        };
        match self.plan.scope() {
            Scope::Named(names) => Ok(names.into_iter().map(Namespace::named).collect()),
            Scope::Cluster => {
                let keep = self.plan.annotations();
                let all = cluster.namespaces().await;
                let all = all.map_err(|error| RunError::Namespaces(Box::new(error)))?;
                Ok(all
                    .into_iter()
                    .map(|object| Namespace::of(object, &keep))
                    .collect())
            }
        }
    }

    async fn clean(
        &self,
        cluster: &Cluster,
        plan: &SecretPlan,
        namespace: &Namespace,
    ) -> Vec<Report> {
        let name = plan.name_in(&namespace.name);
        let mut reports = Vec::new();
        let report = |kind: &'static str, name: &str| {
            let mut report = Report::new(&plan.target, kind, name);
            report.namespace = namespace.name.clone();
            report
        };
        let work = async {
            let Some(found) = cluster.secret(&namespace.name, &name).await? else {
                return Ok(());
            };
            if !found.is_ours() {
                let mut report = report("Secret", &name);
                report.action = Action::Skip;
                report.reason = Some("somebody else made it".to_owned());
                reports.push(report);
                return Ok(());
            }
            if !plan.accounts.is_none() {
                for account in wanted_accounts(cluster, plan, namespace).await? {
                    let account_name = account.metadata.name.clone();
                    if self.mode.dry_run || self.unlink(cluster, namespace, account, &name).await? {
                        let mut report = report("ServiceAccount", &account_name);
                        report.action = Action::Update;
                        report.reason = Some(format!("has pull secret {name} no longer"));
                        reports.push(report);
                    }
                }
            }
            if !self.mode.dry_run {
                cluster
                    .delete_secret(&namespace.name, &name, &found.uid)
                    .await?;
            }
            let mut report = report("Secret", &name);
            report.action = Action::Delete;
            reports.push(report);
            Ok::<_, ClusterError>(())
        };
        if let Err(error) = work.await {
            let mut report = report("Secret", &name);
            report.reason = Some(error.to_string());
            reports.push(report);
        }
        reports
    }

    async fn unlink(
        &self,
        cluster: &Cluster,
        namespace: &Namespace,
        account: Object,
        secret: &str,
    ) -> Result<bool, ClusterError> {
        cluster.link(&namespace.name, account, secret, false).await
    }
}

impl Report {
    pub(crate) fn new(target: &str, kind: &'static str, name: &str) -> Self {
        Self {
            target: target.to_owned(),
            namespace: Arc::from(""),
            kind,
            name: name.to_owned(),
            action: Action::Failed,
            reason: None,
            hosts: Vec::new(),
            expires_at: None,
            registry_failed: false,
            cause: None,
        }
    }
}

impl Plan {
    /// The sources of a target, or all.
    fn sources_of(&self, target: Option<&str>) -> Vec<usize> {
        let Some(target) = target else {
            return (0..self.sources.len()).collect();
        };
        let secrets = self.secrets.iter().filter(|s| s.target == target);
        let files = self.files.iter().filter(|f| f.target == target);
        let secrets = secrets.flat_map(|secret| secret.sources.clone());
        secrets
            .chain(files.flat_map(|file| file.sources.clone()))
            .collect()
    }
}

impl Namespace {
    /// What of a namespace decides something.
    pub(crate) fn of(object: Object, keep: &std::collections::BTreeSet<String>) -> Self {
        let mut annotations = object.metadata.annotations;
        annotations.retain(|key, _| keep.contains(key));
        Self {
            name: object.metadata.name.into(),
            labels: object.metadata.labels,
            annotations,
            terminating: object.metadata.deletion_timestamp.is_some(),
        }
    }
}
