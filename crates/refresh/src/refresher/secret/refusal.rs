//! Secrets that the refresher may not change.

use super::Work;
use crate::cluster::{EventReason, StoredSecret};
use crate::config::Ownership;
use crate::refresher::outcome::{Next, Outcome};
use crate::report::Action;

impl Work<'_> {
    /// The outcome for a Secret that has another owner or cannot be changed, if that is not allowed.
    pub(super) async fn refusal(&self, existing: &StoredSecret) -> Option<Outcome> {
        let may_write = self.forced(existing) || self.plan.object.ownership == Ownership::Merge;
        let (action, why) = if !existing.is_ours() && !may_write {
            let manager = existing.manager();
            let maker = manager.map_or("another owner".to_owned(), |name| format!("{name:?}"));
            let why = format!(
                "it was made by {maker}; set ownership, or annotate it with \
                 refresh.regcred.dev/adopt=true"
            );
            (Action::Foreign, why)
        } else {
            let obstacle = existing.obstacle(self.plan)?;
            if self.forced(existing) {
                return None;
            }
            let why = format!("{obstacle}; ownership Force replaces it");
            (Action::Failed, why)
        };
        let reason = EventReason::ForeignSecret;
        self.record(&existing.uid, reason, &why).await;
        let report = self.report(action).with(action, why);
        let next = Next::At(self.refresher.next_check());
        Some(Outcome::forgotten(report, next))
    }

    /// Whether the Secret is taken over, whoever made it.
    pub(super) fn forced(&self, existing: &StoredSecret) -> bool {
        self.refresher.mode.force
            || self.plan.object.ownership == Ownership::Force
            || existing.may_be_adopted()
    }
}
