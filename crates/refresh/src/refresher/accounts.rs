//! The Secret's name in the pull secrets of service accounts: always after the Secret itself.

use super::context::Refresher;
use crate::cluster::{Cluster, ClusterError, Object};
use crate::config::ServiceAccounts;
use crate::plan::{Namespace, SecretPlan};
use crate::report::{Action, Report};

impl Refresher {
    /// Adds the Secret to every selected service account (`wanted`), or removes it. `known` are those
    /// that lack it, if they are watched; else they are fetched, and each that cannot be read is
    /// reported as failed.
    pub(super) async fn link_accounts(
        &self,
        cluster: &Cluster,
        plan: &SecretPlan,
        namespace: &Namespace,
        known: Option<Vec<Object>>,
        wanted: bool,
    ) -> (Vec<Report>, Option<ClusterError>) {
        let mut reports = Vec::new();
        let mut failure = None;
        if plan.accounts.is_none() {
            return (reports, failure);
        }
        let report_of =
            |name: &str| Report::new(&plan.target, &namespace.name, "ServiceAccount", name);
        let accounts = match known {
            Some(accounts) => accounts,
            None => {
                let selected = Selected::read(cluster, plan, namespace).await;
                for (name, error) in selected.unread {
                    reports.push(report_of(&name).caused_by(&error));
                    failure = Some(error);
                }
                selected.accounts
            }
        };
        let secret = plan.name_in(&namespace.name);
        for account in accounts {
            if account.lists(&secret) == wanted {
                continue;
            }
            let mut report = report_of(&account.metadata.name);
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

/// The selected accounts of a namespace.
#[derive(Default)]
struct Selected {
    /// Those that exist.
    accounts: Vec<Object>,
    /// Those that cannot be read; `*` for a list.
    unread: Vec<(String, ClusterError)>,
}

impl Selected {
    async fn read(cluster: &Cluster, plan: &SecretPlan, namespace: &Namespace) -> Self {
        let rule = &plan.accounts;
        let mut selected = Self::default();
        if rule.all || rule.selector.is_some() {
            match cluster.accounts(&namespace.name).await {
                Ok(all) => selected.accounts = all,
                Err(error) => selected.unread.push(("*".to_owned(), error)),
            }
            selected.accounts.retain(|account| rule.covers(account));
            return selected;
        }
        for name in &rule.names {
            match cluster.account(&namespace.name, name).await {
                Ok(found) => selected.accounts.extend(found),
                Err(error) => selected.unread.push((name.clone(), error)),
            }
        }
        selected
    }
}
