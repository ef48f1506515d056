//! What is watched in the cluster: namespaces, service accounts, and our own Secrets by name. Never
//! all Secrets.

use std::sync::Arc;

use tokio::sync::mpsc::Sender;
use tokio::task::JoinSet;

use crate::cluster::{Cluster, Collection, WatchChange, watch};
use crate::plan::{NAMESPACE, Plan, Scope};

/// What a watch is about; `namespace` is `None` for all namespaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Watched {
    Namespaces,
    /// Service accounts, of one name or all.
    Accounts {
        namespace: Option<String>,
        name: Option<String>,
    },
    /// Secrets of one name.
    Secrets {
        namespace: Option<String>,
        name: String,
    },
}

/// A change, and the watch that reported it.
pub(super) type ClusterChange = (Arc<Watched>, WatchChange);

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
        let collection = what.collection();
        let (cluster, changes) = (cluster.clone(), changes.clone());
        tasks.spawn(watch(cluster, collection, Arc::new(what), changes));
    }
}

impl Watched {
    fn collection(&self) -> Collection {
        match self {
            Self::Namespaces => Collection::namespaces(),
            Self::Accounts { namespace, name } => {
                Collection::accounts(namespace.as_deref(), name.as_deref())
            }
            Self::Secrets { namespace, name } => Collection::secrets(namespace.as_deref(), name),
        }
    }
}

/// One collection for each kind, or, where namespaces are named, for each kind in each of them.
fn watched(plan: &Plan) -> Vec<Watched> {
    let mut all = Vec::new();
    if plan.secrets.is_empty() {
        return all;
    }
    let namespaces = match plan.scope() {
        Scope::Cluster => {
            all.push(Watched::Namespaces);
            vec![None]
        }
        Scope::Named(names) => names.iter().map(|name| Some(name.to_string())).collect(),
    };
    let only = only_account(plan);
    let mut names: Vec<&str> = plan.secrets.iter().map(|secret| &*secret.name).collect();
    names.retain(|name| !name.contains(NAMESPACE));
    names.sort_unstable();
    names.dedup();
    for namespace in namespaces {
        all.extend(names.iter().map(|name| Watched::Secrets {
            namespace: namespace.clone(),
            name: (*name).to_owned(),
        }));
        if plan.looks_at_accounts() {
            all.push(Watched::Accounts {
                namespace,
                name: only.map(str::to_owned),
            });
        }
    }
    all
}

/// The name of the only service account that decides anything, if there is only one.
fn only_account(plan: &Plan) -> Option<&str> {
    let identities = plan
        .sources
        .iter()
        .filter_map(|source| source.identity.as_ref());
    let mut names: Vec<&str> = identities.map(|i| i.service_account.as_str()).collect();
    for rule in plan.secrets.iter().map(|secret| &secret.accounts) {
        if rule.all || rule.selector.is_some() {
            return None;
        }
        names.extend(rule.names.iter().map(String::as_str));
    }
    names.sort_unstable();
    names.dedup();
    match names[..] {
        [only] => Some(only),
        _ => None,
    }
}

/// Each watch is a connection, here and for the server.
const MAX_WATCHES: usize = 256;

#[cfg(test)]
mod tests {
    use regcred_core::Env;

    use super::*;
    use crate::config::Config;

    fn all(targets: &str) -> Vec<Watched> {
        let config = Config::parse(&format!(
            "apiVersion: refresh.regcred.dev/v1\nkind: RefreshConfiguration\nregistries:\n\
             - {{name: g, provider: gcr, hosts: [gcr.io]}}\ntargets:\n{targets}"
        ));
        let specs = regcred_providers::all();
        let plan = Plan::new(&config.expect("sound"), &specs, &Env::default());
        watched(&plan.expect("a plan"))
    }

    fn secrets(namespace: Option<&str>, name: &str) -> Watched {
        Watched::Secrets {
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        }
    }

    fn accounts(namespace: Option<&str>, name: Option<&str>) -> Watched {
        Watched::Accounts {
            namespace: namespace.map(str::to_owned),
            name: name.map(str::to_owned),
        }
    }

    #[test]
    fn a_whole_cluster_is_a_watch_for_each_kind() {
        assert_eq!(
            all("- {name: t, secret: {name: s}, serviceAccounts: {all: true}}"),
            [
                Watched::Namespaces,
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
