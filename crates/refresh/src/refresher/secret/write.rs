//! Writing one Secret: as ours, or only our entries into another owner's.

use regcred_docker_config::EntryForm;

use super::{Existing, Work};
use crate::cluster::{ClusterError, ClusterErrorKind, EventReason, SecretContent, StoredSecret};
use crate::config::Ownership;
use crate::refresher::content::{Desired, Fingerprint, Part};
use crate::refresher::outcome::{Next, Outcome};
use crate::report::Action;
use crate::tokens::written;

impl Work<'_> {
    pub(super) async fn write(
        &mut self,
        existing: &Existing,
        parts: &[(usize, Part)],
    ) -> Result<Outcome, ClusterError> {
        let old = match existing {
            Existing::Read(found) => Some(found),
            _ => None,
        };
        if let Some(old) = old
            && self.plan.object.ownership == Ownership::Merge
            && !old.is_ours()
            && !self.forced(old)
        {
            return self.merge(old, parts).await;
        }
        let plan = &self.refresher.plan;
        let Some(desired) = Desired::compose(plan, self.plan, &self.inputs, parts, old) else {
            return Ok(self.nothing_to_write());
        };
        if !desired.fits() {
            let failed = self.report(Action::Failed);
            let why = "its entries are larger than an object may be";
            return Ok(self.again(failed.with(Action::Failed, why)));
        }
        let lives: Vec<_> = desired.lives.iter().map(|(s, life)| (*s, *life)).collect();
        let fingerprint = Some(Fingerprint::of(&desired.content, self.plan));
        if let Some(old) = old.filter(|old| desired.is(old)) {
            let version = old.resource_version.clone();
            let report = self.report_of(Action::Unchanged, &desired);
            return Ok(self.done(report, version, fingerprint, lives));
        }
        let action = if matches!(existing, Existing::Absent) {
            Action::Create
        } else {
            Action::Update
        };
        let report = self.report_of(action, &desired);
        if self.refresher.mode.dry_run {
            return Ok(self.done(report, String::new(), None, lives));
        }
        let force = self.refresher.mode.force
            || self.plan.object.ownership == Ownership::Force
            || old.is_some_and(|old| self.forced(old) && !old.is_ours());
        if let Some(old) = old.filter(|old| old.obstacle(self.plan).is_some()) {
            // Neither a type nor an immutable content can be changed in place.
            let namespace = &self.namespace.name;
            self.cluster
                .delete_secret(namespace, &self.name, &old.uid)
                .await?;
        }
        let restored = old.is_some() && self.seen.is_some();
        match self.apply(&desired, force).await? {
            Ok(version) => {
                if action == Action::Create {
                    let text = format!("logins for {}", desired.hosts.join(", "));
                    let reason = EventReason::Refreshed;
                    self.record("", reason, &text).await;
                }
                let mut outcome = self.done(report, version, fingerprint, lives);
                if let Some(seen) = &mut outcome.seen {
                    seen.restored = restored;
                }
                Ok(outcome)
            }
            Err(conflict) => {
                let text = conflict.to_string();
                self.record("", EventReason::Conflict, &text).await;
                let report = self.report(Action::Conflict).caused_by(&conflict);
                let next = Next::At(self.refresher.next_check());
                Ok(Outcome::forgotten(report, next))
            }
        }
    }

    /// Applies without force first. If that conflicts, another manager has changed the fields: as
    /// long as the Secret carries our label they are taken back. Without our label it is not ours.
    async fn apply(
        &self,
        desired: &Desired,
        force: bool,
    ) -> Result<Result<String, ClusterError>, ClusterError> {
        let (namespace, name) = (&self.namespace.name, &self.name);
        let content = &desired.content;
        let applied = self
            .cluster
            .apply_secret(namespace, name, content, force)
            .await;
        let conflict = match applied {
            Ok(version) => return Ok(Ok(version)),
            Err(error) if error.kind == ClusterErrorKind::Conflict => error,
            Err(error) => return Err(error),
        };
        let found = self.cluster.secret(namespace, name).await?;
        if found.is_none_or(|found| !found.is_ours()) {
            return Ok(Err(conflict));
        }
        let applied = self
            .cluster
            .apply_secret(namespace, name, content, true)
            .await;
        applied.map(Ok)
    }

    /// Another owner's Secret, in which only our hosts are kept fresh.
    async fn merge(
        &mut self,
        old: &StoredSecret,
        parts: &[(usize, Part)],
    ) -> Result<Outcome, ClusterError> {
        let Ok(mut document) = old.document(self.plan) else {
            let failed = self.report(Action::Failed);
            let why = "it does not hold a docker configuration";
            return Ok(self.again(failed.with(Action::Failed, why)));
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
        let content = SecretContent {
            text: Some(document.compact()),
            ..old.content.clone()
        };
        let mut version = old.resource_version.clone();
        if content.exposed_text() != old.content.exposed_text() {
            report.action = Action::Update;
            if !self.refresher.mode.dry_run {
                let (cluster, namespace) = (self.cluster, &self.namespace.name);
                let written = cluster.replace_secret(namespace, &self.name, &version, &content);
                version = written.await?;
            }
        }
        let fingerprint = Fingerprint::of(&content, self.plan);
        Ok(self.done(report, version, Some(fingerprint), lives))
    }
}
