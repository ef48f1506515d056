//! One Secret from beginning to end, then the service accounts that list it.

mod decide;
mod finish;
mod write;

use super::context::Refresher;
use super::outcome::{LastSeen, Next, Outcome, survive};
use crate::cluster::{Cluster, EventReason, Object, StoredSecret};
use crate::plan::{Namespace, SecretPlan};
use crate::report::{Action, Report};
use crate::tokens::TokenFailure;

struct Work<'a> {
    refresher: &'a Refresher,
    cluster: &'a Cluster,
    plan: &'a SecretPlan,
    namespace: &'a Namespace,
    name: String,
    seen: Option<LastSeen>,
    /// Sources without a newer token.
    failures: Vec<(usize, TokenFailure)>,
    /// A hash of what decides the content, besides the tokens: the configuration, and whose identity
    /// counts here.
    inputs: String,
}

/// What is known of the Secret.
enum Existing {
    /// Unchanged since it was last seen.
    AsSeen,
    /// Read now.
    Read(StoredSecret),
    Absent,
}

impl Refresher {
    /// Brings the Secret of a plan in a namespace up to date, then the service accounts; `accounts` are
    /// those that lack it, if they are watched.
    pub(crate) async fn serve_secret(
        &self,
        place: usize,
        namespace: &Namespace,
        seen: Option<LastSeen>,
        accounts: Option<Vec<Object>>,
    ) -> Outcome {
        let plan = &self.plan.secrets[place];
        let name = plan.name_in(&namespace.name);
        let skip = |why| {
            let report = Report::new(&plan.target, &namespace.name, "Secret", &*name);
            Outcome::forgotten(report.with(Action::Skip, why), Next::Never)
        };
        if let Err(why) = plan.covers(namespace) {
            return skip(why);
        }
        let Some(cluster) = &self.cluster else {
            return skip("no cluster");
        };
        let work = Work {
            refresher: self,
            cluster,
            plan,
            namespace,
            name,
            seen,
            failures: Vec::new(),
            inputs: plan.inputs.clone(),
        };
        let report = || {
            Report::new(
                &plan.target,
                &namespace.name,
                "Secret",
                plan.name_in(&namespace.name),
            )
        };
        survive(report, work.serve(accounts)).await
    }
}

impl Work<'_> {
    async fn serve(mut self, accounts: Option<Vec<Object>>) -> Outcome {
        let mut outcome = match self.run().await {
            Ok(outcome) => outcome,
            Err(error) => return self.failed(&error),
        };
        self.record_registries(&mut outcome).await;
        let mut actions = outcome.reports.iter().map(|report| report.action);
        if actions.all(|action| action.is_good() && action != Action::Skip) {
            let (reports, failure) = self
                .refresher
                .link_accounts(self.cluster, self.plan, self.namespace, accounts, true)
                .await;
            outcome.reports.extend(reports);
            if let Some(error) = failure {
                outcome.next = Next::after(&error);
            }
        }
        outcome
    }

    fn report(&self, action: Action) -> Report {
        let (target, namespace) = (&self.plan.target, &self.namespace.name);
        Report {
            action,
            ..Report::new(target, namespace, "Secret", &*self.name)
        }
    }

    async fn record(&self, uid: &str, reason: EventReason, text: &str) {
        let refresher = self.refresher;
        if !refresher.mode.dry_run {
            let place = (&*self.namespace.name, self.name.as_str(), uid);
            let now = refresher.clock.now();
            self.cluster.record(now, place, reason, text).await;
        }
    }
}
