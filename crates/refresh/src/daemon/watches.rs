//! What is watched in the cluster: namespaces, service accounts, and our own Secrets by name. Never
//! all Secrets.

use std::collections::BTreeSet;

use tokio::sync::mpsc::Sender;
use tokio::task::JoinSet;

use crate::cluster::{Cluster, ClusterChange, Collection, watch};
use crate::plan::{NAMESPACE, Plan};

/// Starts every watch that the plan needs.
pub(super) fn watch_all(
    plan: &Plan,
    cluster: &Cluster,
    tasks: &mut JoinSet<()>,
    changes: &Sender<ClusterChange>,
) {
    let all = watched(plan);
    if all.len() > MAX_WATCHES {
        tracing::warn!(
            "{MAX_WATCHES} of {} collections are watched; changes in the others are found by the \
             periodic check (intervals.reapply)",
            all.len()
        );
    }
    for what in all.into_iter().take(MAX_WATCHES) {
        let work = watch(cluster.clone(), what, plan.trim(), changes.clone());
        tasks.spawn(work);
    }
}

/// One collection for each kind, or, where namespaces are named, for each kind in each of them.
fn watched(plan: &Plan) -> Vec<Collection> {
    let mut all = Vec::new();
    if plan.secrets.is_empty() {
        return all;
    }
    let namespaces: Vec<Option<String>> = match plan.named_namespaces() {
        Some(names) => names.iter().map(|name| Some(name.to_string())).collect(),
        None => {
            all.push(Collection::Namespaces);
            vec![None]
        }
    };
    let only = only_account(plan);
    let secrets = plan.secrets.iter();
    let mut names: BTreeSet<&str> = secrets.map(|secret| &*secret.object.name).collect();
    names.retain(|name| !name.contains(NAMESPACE));
    for namespace in namespaces {
        all.extend(names.iter().map(|name| Collection::Secrets {
            namespace: namespace.clone(),
            name: (*name).to_owned(),
        }));
        if plan.looks_at_accounts() {
            all.push(Collection::Accounts {
                namespace,
                name: only.map(str::to_owned),
            });
        }
    }
    all
}

/// The name of the only service account that decides anything, if there is only one.
fn only_account(plan: &Plan) -> Option<&str> {
    let identities = plan.identities();
    let mut names: BTreeSet<&str> = identities.map(|i| i.service_account.as_str()).collect();
    for rule in plan.secrets.iter().map(|secret| &secret.accounts) {
        if rule.all || rule.selector.is_some() {
            return None;
        }
        names.extend(rule.names.iter().map(String::as_str));
    }
    names.pop_first().filter(|_| names.is_empty())
}

/// Each watch is a connection, here and for the server.
const MAX_WATCHES: usize = 256;

#[cfg(test)]
mod tests {
    use regcred_core::Env;

    use super::*;
    use crate::config::Config;

    fn all(targets: &str) -> Vec<Collection> {
        let config = Config::parse(&format!(
            "apiVersion: refresh.regcred.dev/v1\nkind: RefreshConfiguration\nregistries:\n\
             - {{name: g, provider: gcr, hosts: [gcr.io]}}\ntargets:\n{targets}"
        ));
        let specs = regcred_providers::all();
        let plan = Plan::new(&config.expect("sound"), &specs, &Env::default());
        watched(&plan.expect("a plan"))
    }

    fn secrets(namespace: Option<&str>, name: &str) -> Collection {
        Collection::Secrets {
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        }
    }

    fn accounts(namespace: Option<&str>, name: Option<&str>) -> Collection {
        Collection::Accounts {
            namespace: namespace.map(str::to_owned),
            name: name.map(str::to_owned),
        }
    }

    #[test]
    fn a_whole_cluster_is_a_watch_for_each_kind() {
        assert_eq!(
            all("- {name: t, secret: {name: s}, serviceAccounts: {all: true}}"),
            [
                Collection::Namespaces,
                secrets(None, "s"),
                accounts(None, None)
            ]
        );
    }

    #[test]
    fn named_namespaces_are_watched_each_by_itself() {
        let targets = "- {name: t, secret: {name: s}, namespaces: {include: [a, b]}, \
                       serviceAccounts: {names: [default]}}\n\
                       - {name: u, secret: {name: 's-{namespace}'}, namespaces: {include: [a]}}";
        assert_eq!(
            all(targets),
            [
                secrets(Some("a"), "s"),
                accounts(Some("a"), Some("default")),
                secrets(Some("b"), "s"),
                accounts(Some("b"), Some("default")),
            ]
        );
    }
}
