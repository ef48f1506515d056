//! The removal of everything that was written.

use futures_util::stream::{self, StreamExt as _};

use super::accounts::selected;
use super::context::Refresher;
use super::file;
use crate::cluster::{Cluster, ClusterError};
use crate::error::RunError;
use crate::plan::{Namespace, SecretPlan};
use crate::report::{Action, Report};

impl Refresher {
    /// Removes what was written: the names from service accounts first, then our Secrets, then the
    /// entries in files. What others made stays.
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
            let sources = plan.sources.iter().map(|s| &self.plan.sources[*s]);
            let hosts: Vec<String> = sources
                .flat_map(|source| source.registry.hosts.clone())
                .collect();
            let mut report = Report::of_file(&plan.target, &plan.file.path);
            match file::remove(&plan.file, self.mode.dry_run, &hosts) {
                Ok(action) => report.action = action,
                Err(error) => report.reason = Some(regcred_core::report(&error)),
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
        let report =
            |kind: &'static str, name: &str| Report::new(&plan.target, &namespace.name, kind, name);
        let work = async {
            let Some(found) = cluster.secret(&namespace.name, &name).await? else {
                return Ok(());
            };
            if !found.is_ours() {
                let skipped = report("Secret", &name);
                reports.push(skipped.with(Action::Skip, "it was not made by the refresher"));
                return Ok(());
            }
            if !plan.accounts.is_none() {
                for account in selected(cluster, plan, namespace).await? {
                    let updated = report("ServiceAccount", &account.metadata.name);
                    let unlinked = account.lists(&name)
                        && (self.mode.dry_run
                            || cluster.link(&namespace.name, account, &name, false).await?);
                    if unlinked {
                        let reason = format!("no longer has pull secret {name}");
                        reports.push(updated.with(Action::Update, reason));
                    }
                }
            }
            if !self.mode.dry_run {
                cluster
                    .delete_secret(&namespace.name, &name, &found.uid)
                    .await?;
            }
            let mut deleted = report("Secret", &name);
            deleted.action = Action::Delete;
            reports.push(deleted);
            Ok::<_, ClusterError>(())
        };
        if let Err(error) = work.await {
            reports.push(report("Secret", &name).caused_by(&error));
        }
        reports
    }
}
