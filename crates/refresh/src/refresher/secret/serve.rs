//! A Secret from beginning to end, then the service accounts that list it.

use super::finish::next_after;
use super::work::Work;
use crate::plan::Namespace;
use crate::refresher::accounts::Accounts;
use crate::refresher::context::Refresher;
use crate::refresher::outcome::{LastSeen, Outcome};
use crate::report::Action;

impl Refresher {
    /// Brings the Secret of a plan in a namespace up to date, then the service accounts.
    pub(crate) async fn serve_secret(
        &self,
        place: usize,
        namespace: &Namespace,
        seen: Option<LastSeen>,
        accounts: Accounts,
    ) -> Outcome {
        let plan = &self.plan.secrets[place];
        let mut work = Work {
            refresher: self,
            plan,
            namespace,
            name: plan.name_in(&namespace.name),
            seen,
            failures: Vec::new(),
            inputs: plan.inputs.clone(),
        };
        if let Err(why) = plan.covers(namespace) {
            return work.skip(why);
        }
        let Some(cluster) = &self.cluster else {
            return work.skip("no cluster");
        };
        let mut outcome = match work.run(cluster).await {
            Ok(outcome) => outcome,
            Err(error) => return work.failed(&error),
        };
        work.record_registries(cluster, &mut outcome).await;
        let mut actions = outcome.reports.iter().map(|report| report.action);
        if actions.all(|action| action.is_good() && action != Action::Skip) {
            let (reports, failure) = self.link_accounts(cluster, plan, namespace, accounts).await;
            outcome.reports.extend(reports);
            if let Some(error) = failure {
                outcome.next = next_after(&error);
            }
        }
        outcome
    }
}
