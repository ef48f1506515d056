//! What is followed in the cluster: namespaces, service accounts, and our own Secrets by name. Never
//! all Secrets.

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::cluster::{Change, Cluster, Collection, NAMESPACES, Object, follow};
use crate::plan::{NAMESPACE, Plan, Scope};

/// What was heard.
#[derive(Debug)]
pub(super) enum Heard {
    Namespace(Object),
    NoNamespace(String),
    NamespacesListed,
    Account(Object),
    NoAccount(String, String),
    /// Whether the service accounts of a namespace, or all, are known from now on.
    AccountsListed(Option<String>, bool),
    /// Every Secret of this name, in a namespace or everywhere, has been told of that was there.
    SecretsListed(Option<String>, String),
    /// A Secret's version; empty when it is gone.
    Secret {
        namespace: String,
        name: String,
        version: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Namespaces,
    /// Of one namespace, or all.
    Accounts(Option<String>),
    /// Of a name, in one namespace or all.
    Secrets(Option<String>, String),
}

/// Follows everything that the plan needs.
pub(super) fn follow_all(
    plan: &Plan,
    cluster: &Cluster,
    tasks: &mut JoinSet<()>,
    tell: &mpsc::Sender<Heard>,
) {
    if plan.secrets.is_empty() {
        return;
    }
    let collections = collections(plan);
    if collections.len() > MAX_WATCHES {
        tracing::warn!(
            "{} of {} collections are watched; changes in the others are found by the periodic look",
            MAX_WATCHES,
            collections.len()
        );
    }
    for (kind, what) in collections.into_iter().take(MAX_WATCHES) {
        let (send, changes) = mpsc::channel(256);
        tasks.spawn(follow(cluster.clone(), what, send));
        tasks.spawn(translate(kind, changes, tell.clone()));
    }
}

/// What there is to follow: one collection for each kind, or, where namespaces are named, for each
/// kind in each of them.
fn collections(plan: &Plan) -> Vec<(Kind, Collection)> {
    let mut all = Vec::new();
    let mut add = |kind: Kind, path: String, fields: Option<String>| {
        let metadata_only = !matches!(kind, Kind::Accounts(_));
        let what = Collection {
            path,
            fields,
            metadata_only,
        };
        all.push((kind, what));
    };
    let scope = plan.scope();
    let places: Vec<Option<String>> = match &scope {
        Scope::Cluster => {
            add(Kind::Namespaces, NAMESPACES.to_owned(), None);
            vec![None]
        }
        Scope::Named(names) => names.iter().map(|name| Some(name.to_string())).collect(),
    };
    let only = only_account(plan).map(|name| format!("metadata.name={name}"));
    let mut names: Vec<&str> = plan.secrets.iter().map(|secret| &*secret.name).collect();
    names.retain(|name| !name.contains(NAMESPACE));
    names.sort_unstable();
    names.dedup();
    for namespace in places {
        let place = match &namespace {
            None => "/api/v1".to_owned(),
            Some(name) => format!("/api/v1/namespaces/{name}"),
        };
        for name in &names {
            let fields = Some(format!("metadata.name={name}"));
            let kind = Kind::Secrets(namespace.clone(), (*name).to_owned());
            add(kind, format!("{place}/secrets"), fields);
        }
        if plan.looks_at_accounts() {
            let path = format!("{place}/serviceaccounts");
            add(Kind::Accounts(namespace), path, only.clone());
        }
    }
    all
}

/// The one service account that everything is about, if there is only one.
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

async fn translate(kind: Kind, mut changes: mpsc::Receiver<Change>, tell: mpsc::Sender<Heard>) {
    while let Some(change) = changes.recv().await {
        let heard = match (&kind, change) {
            (Kind::Namespaces, Change::There(object)) => Heard::Namespace(object),
            (Kind::Namespaces, Change::Gone(_, name)) => Heard::NoNamespace(name),
            (Kind::Namespaces, Change::Listed) => Heard::NamespacesListed,
            (Kind::Namespaces, Change::Refused) => {
                tracing::error!("no right to list and watch namespaces: name them literally");
                continue;
            }
            (Kind::Accounts(_), Change::There(object)) => Heard::Account(object),
            (Kind::Accounts(_), Change::Gone(namespace, name)) => Heard::NoAccount(namespace, name),
            (Kind::Accounts(place), Change::Listed) => Heard::AccountsListed(place.clone(), true),
            (Kind::Accounts(place), Change::Refused) => Heard::AccountsListed(place.clone(), false),
            (Kind::Secrets(..), Change::There(object)) => Heard::Secret {
                namespace: object.metadata.namespace,
                name: object.metadata.name,
                version: object.metadata.resource_version,
            },
            (Kind::Secrets(..), Change::Gone(namespace, name)) => Heard::Secret {
                namespace,
                name,
                version: String::new(),
            },
            (Kind::Secrets(place, name), Change::Listed) => {
                Heard::SecretsListed(place.clone(), name.clone())
            }
            // Edits are found by the periodic look then.
            (Kind::Secrets(..), Change::Refused) => continue,
        };
        if tell.send(heard).await.is_err() {
            return;
        }
    }
}

/// A watch is a connection's worth of work, here and for the server.
const MAX_WATCHES: usize = 256;

#[cfg(test)]
mod tests {
    use regcred_core::Env;

    use super::*;
    use crate::config::Config;

    fn paths(targets: &str) -> Vec<String> {
        let config = Config::parse(&format!(
            "apiVersion: refresh.regcred.dev/v1\nkind: RefreshConfiguration\nregistries:\n\
             - {{name: g, provider: gcr, hosts: [gcr.io]}}\ntargets:\n{targets}"
        ));
        let specs = regcred_providers::all();
        let plan = Plan::new(&config.expect("sound"), &specs, &Env::default());
        let all = collections(&plan.expect("a plan"));
        all.into_iter()
            .map(|(_, what)| format!("{} {}", what.path, what.fields.unwrap_or_default()))
            .collect()
    }

    #[test]
    fn a_whole_cluster_is_a_watch_for_each_kind() {
        assert_eq!(
            paths("- {name: t, secret: {name: s}, serviceAccounts: {all: true}}"),
            [
                "/api/v1/namespaces ",
                "/api/v1/secrets metadata.name=s",
                "/api/v1/serviceaccounts "
            ]
        );
    }

    #[test]
    fn named_namespaces_are_watched_each_by_itself() {
        let targets = "- {name: t, secret: {name: s}, namespaces: {include: [a, b]}, \
                       serviceAccounts: {names: [default]}}\n\
                       - {name: u, secret: {name: 's-{namespace}'}, namespaces: {include: [a]}}";
        assert_eq!(
            paths(targets),
            [
                "/api/v1/namespaces/a/secrets metadata.name=s",
                "/api/v1/namespaces/a/serviceaccounts metadata.name=default",
                "/api/v1/namespaces/b/secrets metadata.name=s",
                "/api/v1/namespaces/b/serviceaccounts metadata.name=default",
            ]
        );
    }
}
