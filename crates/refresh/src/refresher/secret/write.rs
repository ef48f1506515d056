//! Writing one Secret: as ours, or only our entries into another owner's.

use super::{Existing, Work};
use crate::cluster::{ClusterErrorKind, ClusterResult, EventReason, SecretContent};
use crate::config::Ownership;
use crate::failure::RefreshFailure;
use crate::refresher::content::{Desired, Fingerprint, Part};
use crate::refresher::outcome::{Next, Outcome};
use crate::report::Action;

impl Work<'_> {
    pub(super) async fn write(
        &self,
        existing: &Existing,
        parts: &[(usize, Part)],
    ) -> ClusterResult<Outcome> {
        let (old, action) = match existing {
            Existing::Read(found) => (Some(found), Action::Update),
            Existing::AsSeen => (None, Action::Update),
            Existing::Absent => (None, Action::Create),
        };
        // Another owner's, in which only our hosts are kept fresh.
        let theirs = old.filter(|old| {
            self.plan.object.ownership == Ownership::Merge && !old.is_ours() && !self.forced(old)
        });
        let desired = match theirs {
            None => {
                let plan = &self.refresher.plan;
                Desired::compose(plan, self.plan, &self.inputs, parts, old)
            }
            Some(theirs) => match theirs.document(self.plan) {
                Ok(document) => Desired::merge(parts, theirs, document),
                Err(_) => {
                    let why = "it does not hold a docker configuration";
                    let failure = RefreshFailure::new(why, Some("correct it, or delete it"));
                    return Ok(self.again(Some(failure)));
                }
            },
        };
        // No source has a token, and the Secret has no entries.
        let Some(desired) = desired else {
            return Ok(self.again(None));
        };
        if !desired.fits() {
            let why = "its entries are larger than an object may be";
            let failure = RefreshFailure::new(why, Some("select fewer registries for the target"));
            return Ok(self.again(Some(failure)));
        }
        let fingerprint = Some(Fingerprint::of(&desired.content, self.plan));
        let shown = desired.hosts.join(", ");
        let mut report = self.report(action);
        report.hosts = desired.hosts;
        if let Some(old) = old.filter(|old| old.content.holds(&desired.content)) {
            report.action = Action::Unchanged;
            let version = old.resource_version.clone();
            return Ok(self.done(report, version, fingerprint, desired.lives));
        }
        if self.refresher.mode.dry_run {
            return Ok(self.done(report, String::new(), None, desired.lives));
        }
        let (namespace, name) = (&self.namespace.name, &self.name);
        if let Some(theirs) = theirs {
            let version = &theirs.resource_version;
            let written = self
                .cluster
                .replace_secret(namespace, name, version, &desired.content);
            return Ok(self.done(report, written.await?, fingerprint, desired.lives));
        }
        if let Some(old) = old.filter(|old| old.obstacle(self.plan).is_some()) {
            // Neither a type nor an immutable content can be changed in place.
            let deleted = self.cluster.delete_secret(namespace, name, &old.uid);
            deleted.await?;
        }
        let force = self.refresher.mode.force
            || self.plan.object.ownership == Ownership::Force
            || old.is_some_and(|old| self.forced(old) && !old.is_ours());
        let version = match self.apply(&desired.content, force).await {
            Ok(version) => version,
            Err(error) if error.kind == ClusterErrorKind::Conflict => {
                let text = error.to_string();
                self.record("", EventReason::Conflict, &text).await;
                let report = self.report(Action::Conflict).caused_by(&error);
                let next = Next::At(self.refresher.next_check());
                return Ok(Outcome::forgotten(report, next));
            }
            Err(error) => return Err(error),
        };
        if action == Action::Create {
            let text = format!("logins for {shown}");
            self.record("", EventReason::Refreshed, &text).await;
        }
        let mut outcome = self.done(report, version, fingerprint, desired.lives);
        if let Some(seen) = &mut outcome.seen {
            seen.restored = old.is_some() && self.seen.is_some();
        }
        Ok(outcome)
    }

    /// Applies without force first. If that conflicts, another manager has changed the fields: as
    /// long as the Secret carries our label they are taken back. Without our label it is not ours.
    async fn apply(&self, content: &SecretContent, force: bool) -> ClusterResult<String> {
        let (cluster, namespace, name) = (self.cluster, &self.namespace.name, &self.name);
        let applied = cluster.apply_secret(namespace, name, content, force).await;
        if matches!(&applied, Err(error) if error.kind == ClusterErrorKind::Conflict) {
            let found = cluster.secret(namespace, name).await?;
            if found.is_some_and(|found| found.is_ours()) {
                return cluster.apply_secret(namespace, name, content, true).await;
            }
        }
        applied
    }
}
