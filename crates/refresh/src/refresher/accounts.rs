//! The Secret's name in the lists of service accounts: always after the Secret itself.

use crate::cluster::{Cluster, ClusterError, Object};
use crate::config::ServiceAccounts;
use crate::plan::{Namespace, SecretPlan};
use crate::report::{Action, Report};

use super::Refresher;

/// What is known of a namespace's service accounts.
#[derive(Clone, Debug)]
pub(crate) enum Accounts {
    /// Nothing: they are asked for.
    Unknown,
    /// They are followed, and these are all that lack something.
    Lacking(Vec<Object>),
}

impl Refresher {
    /// Adds the Secret to every service account that should have it.
    pub(super) async fn link_accounts(
        &self,
        cluster: &Cluster,
        plan: &SecretPlan,
        namespace: &Namespace,
        known: Accounts,
    ) -> (Vec<Report>, Option<ClusterError>) {
        let mut reports = Vec::new();
        if plan.accounts.is_none() {
            return (reports, None);
        }
        let accounts = match known {
            Accounts::Lacking(accounts) => accounts,
            Accounts::Unknown => match wanted(cluster, plan, namespace).await {
                Ok(accounts) => accounts,
                Err(error) => return (reports, Some(error)),
            },
        };
        let secret = plan.name_in(&namespace.name);
        let mut failure = None;
        for account in accounts {
            let name = account.metadata.name.clone();
            if account.lists(&secret) {
                continue;
            }
            let done = match self.mode.dry_run {
                true => Ok(true),
                false => cluster.link(&namespace.name, account, &secret, true).await,
            };
            let (action, reason, cause) = match done {
                Ok(true) => (Action::Update, format!("has pull secret {secret}"), None),
                Ok(false) => continue,
                Err(error) => {
                    let (text, cause) = (error.to_string(), error.reason());
                    failure = Some(error);
                    (Action::Failed, text, Some(cause))
                }
            };
            reports.push(Report {
                target: plan.target.clone(),
                namespace: namespace.name.clone(),
                kind: "ServiceAccount",
                name,
                action,
                reason: Some(reason),
                hosts: Vec::new(),
                expires_at: None,
                registry_failed: false,
                cause,
            });
        }
        (reports, failure)
    }
}

impl ServiceAccounts {
    /// Whether the account is meant.
    pub(crate) fn covers(&self, account: &Object) -> bool {
        let meta = &account.metadata;
        self.all
            || self.names.contains(&meta.name)
            || self
                .selector
                .as_ref()
                .is_some_and(|s| s.matches(&meta.labels))
    }
}

/// The accounts that are meant, as they are. One that is not there yet is nobody's fault.
pub(crate) async fn wanted(
    cluster: &Cluster,
    plan: &SecretPlan,
    namespace: &Namespace,
) -> Result<Vec<Object>, ClusterError> {
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
