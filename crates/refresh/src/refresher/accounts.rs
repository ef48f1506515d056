//! The Secret's name in the pull secrets of service accounts: always after the Secret itself.

use super::context::Refresher;
use crate::cluster::{Cluster, ClusterError, ClusterResult, Object};
use crate::config::ServiceAccounts;
use crate::plan::{Namespace, SecretPlan};
use crate::report::{Action, Report};

impl Refresher {
    /// Adds the Secret to every selected service account (`wanted`), or removes it. `known` are those
    /// that lack it, if they are watched; else they are fetched.
    pub(super) async fn link_accounts(
        &self,
        cluster: &Cluster,
        plan: &SecretPlan,
        namespace: &Namespace,
        known: Option<Vec<Object>>,
        wanted: bool,
    ) -> (Vec<Report>, Option<ClusterError>) {
        let mut reports = Vec::new();
        if plan.accounts.is_none() {
            return (reports, None);
        }
        let accounts = match known {
            Some(accounts) => accounts,
            None => match selected(cluster, plan, namespace).await {
                Ok(accounts) => accounts,
                Err(error) => return (reports, Some(error)),
            },
        };
        let secret = plan.name_in(&namespace.name);
        let mut failure = None;
        for account in accounts {
            if account.lists(&secret) == wanted {
                continue;
            }
            let name = account.metadata.name.clone();
            let mut report = Report::new(&plan.target, &namespace.name, "ServiceAccount", name);
            let done = if self.mode.dry_run {
                Ok(true)
            } else {
                cluster
                    .link(&namespace.name, account, &secret, wanted)
                    .await
            };
            match done {
                Ok(true) => {
                    let has = if wanted { "has" } else { "no longer has" };
                    report = report.with(Action::Update, format!("{has} pull secret {secret}"));
                }
                Ok(false) => continue,
                Err(error) => {
                    report = report.caused_by(&error);
                    failure = Some(error);
                }
            }
            reports.push(report);
        }
        (reports, failure)
    }
}

impl ServiceAccounts {
    /// Whether the account is selected.
    pub(crate) fn covers(&self, account: &Object) -> bool {
        let meta = &account.metadata;
        let selector = self.selector.as_ref();
        self.all
            || self.names.contains(&meta.name)
            || selector.is_some_and(|selector| selector.matches(&meta.labels))
    }
}

/// The selected accounts that exist.
async fn selected(
    cluster: &Cluster,
    plan: &SecretPlan,
    namespace: &Namespace,
) -> ClusterResult<Vec<Object>> {
    let rule = &plan.accounts;
    if rule.all || rule.selector.is_some() {
        let mut all = cluster.accounts(&namespace.name).await?;
        all.retain(|account| rule.covers(account));
        return Ok(all);
    }
    let mut found = Vec::new();
    for name in &rule.names {
        found.extend(cluster.account(&namespace.name, name).await?);
    }
    Ok(found)
}
