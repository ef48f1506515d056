//! Writing one Secret: as ours, or only our entries into somebody else's.

use regcred_docker_config::EntryForm;

use super::{Existence, Work};
use crate::cluster::{Cluster, ClusterError, ClusterErrorKind, EventReason};
use crate::config::Ownership;
use crate::refresher::{Next, Served};
use crate::report::Action;
use crate::secret::{Desired, Existing, Part};
use crate::token::written;

impl Work<'_> {
    pub(super) async fn write(
        &mut self,
        cluster: &Cluster,
        existing: &Existence,
        parts: &[(usize, Part)],
    ) -> Result<Served, ClusterError> {
        let old = match existing {
            Existence::There(found) => Some(found),
            _ => None,
        };
        if let Some(old) = old
            && self.plan.ownership == Ownership::Merge
            && !old.is_ours()
            && !self.forced(old)
        {
            return self.merge(cluster, old, parts).await;
        }
        let Some(desired) =
            Desired::compose(&self.refresher.plan, self.plan, &self.inputs, parts, old)
        else {
            return Ok(self.nothing_to_write());
        };
        if !desired.fits() {
            let mut report = self.report(Action::Failed);
            report.reason = Some("its entries are larger than an object may be".to_owned());
            return Ok(self.again(report));
        }
        let lives: Vec<_> = desired.lives.iter().map(|(s, life)| (*s, *life)).collect();
        let fingerprint = Some(desired.fingerprint(self.plan));
        if let Some(old) = old.filter(|old| desired.is(old, self.plan)) {
            let version = old.resource_version.clone();
            let report = self.report_of(Action::Unchanged, &desired);
            return Ok(self.done(report, version, fingerprint, lives));
        }
        let known = old.is_some() || matches!(existing, Existence::AsSeen);
        let action = if known {
            Action::Update
        } else {
            Action::Create
        };
        if self.refresher.mode.dry_run {
            let report = self.report_of(action, &desired);
            return Ok(self.done(report, String::new(), None, lives));
        }
        let force = old.is_some_and(|old| self.forced(old) && !old.is_ours())
            || (self.refresher.mode.force || self.plan.ownership == Ownership::Force);
        if let Some(old) = old.filter(|old| old.obstacle(self.plan).is_some()) {
            // Neither a type nor an immutable content can be changed in place.
            cluster
                .delete_secret(&self.namespace.name, &self.name, &old.uid)
                .await?;
        }
        let restored = matches!(existing, Existence::There(_)) && self.seen.is_some();
        match self.apply(cluster, &desired, force).await? {
            Ok(version) => {
                let report = self.report_of(action, &desired);
                if action == Action::Create {
                    let text = format!("logins for {}", desired.hosts.join(", "));
                    self.tell(cluster, "", EventReason::Refreshed, &text).await;
                }
                let mut served = self.done(report, version, fingerprint, lives);
                if let Some(seen) = &mut served.seen {
                    seen.restored = restored;
                }
                Ok(served)
            }
            Err(conflict) => {
                let text = conflict.to_string();
                self.tell(cluster, "", EventReason::Conflict, &text).await;
                let mut report = self.report(Action::Conflict);
                report.reason = Some(text);
                report.cause = Some(conflict.reason());
                Ok(Served {
                    reports: vec![report],
                    seen: None,
                    next: Next::At(self.refresher.next_check()),
                })
            }
        }
    }

    /// Applies without force first. Whoever changed a Secret of ours in passing owns its fields
    /// then: as long as it carries our label they are taken back. Without our label it is theirs.
    pub(super) async fn apply(
        &self,
        cluster: &Cluster,
        desired: &Desired,
        force: bool,
    ) -> Result<Result<String, ClusterError>, ClusterError> {
        let namespace = &self.namespace.name;
        let conflict = match cluster
            .apply_secret(namespace, self.plan, desired, force)
            .await
        {
            Ok(version) => return Ok(Ok(version)),
            Err(error) if error.kind == ClusterErrorKind::Conflict => error,
            Err(error) => return Err(error),
        };
        let found = cluster.secret(namespace, &self.name).await?;
        if found.is_none_or(|found| !found.is_ours()) {
            return Ok(Err(conflict));
        }
        cluster
            .apply_secret(namespace, self.plan, desired, true)
            .await
            .map(Ok)
    }

    /// A Secret that others own and in which only our hosts are kept fresh.
    pub(super) async fn merge(
        &mut self,
        cluster: &Cluster,
        old: &Existing,
        parts: &[(usize, Part)],
    ) -> Result<Served, ClusterError> {
        let Ok(mut document) = old.document(self.plan) else {
            let mut report = self.report(Action::Failed);
            report.reason = Some("it holds no docker configuration".to_owned());
            return Ok(self.again(report));
        };
        let mut lives = Vec::new();
        let mut report = self.report(Action::Unchanged);
        for (source, part) in parts {
            if let Part::Token(token) = part {
                for (host, login) in &token.logins {
                    document.set(host, &written(login), EntryForm::Full);
                    report.hosts.push(host.clone());
                }
                lives.push((*source, token.life));
            }
        }
        if lives.is_empty() {
            return Ok(self.nothing_to_write());
        }
        report.expires_at = lives.iter().filter_map(|(_, life)| life.expires).min();
        let text = document.compact();
        let mut version = old.resource_version.clone();
        if !old.holds(&text) {
            report.action = Action::Update;
            if !self.refresher.mode.dry_run {
                let content = (self.plan.form, &text);
                let written =
                    cluster.replace_secret(&self.namespace.name, &self.name, &version, content);
                version = written.await?;
            }
        }
        let fingerprint = old.clone().with_text(text).fingerprint(self.plan);
        Ok(self.done(report, version, Some(fingerprint), lives))
    }
}
