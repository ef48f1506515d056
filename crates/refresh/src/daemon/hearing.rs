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
    /// Whether the service accounts are known from now on.
    AccountsListed(bool),
    /// A Secret's version; empty when it is gone.
    Secret {
        namespace: String,
        name: String,
        version: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Namespaces,
    Accounts,
    Secrets,
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
    let mut start = |kind: Kind, path: String, fields: Option<String>| {
        let what = Collection {
            path,
            fields,
            metadata_only: kind != Kind::Accounts,
        };
        let (send, changes) = mpsc::channel(256);
        tasks.spawn(follow(cluster.clone(), what, send));
        tasks.spawn(translate(kind, changes, tell.clone()));
    };
    let scope = plan.scope();
    if scope == Scope::Cluster {
        start(Kind::Namespaces, NAMESPACES.to_owned(), None);
    }
    let places: Vec<String> = match &scope {
        Scope::Cluster => vec!["/api/v1".to_owned()],
        Scope::Named(names) => names
            .iter()
            .map(|n| format!("/api/v1/namespaces/{n}"))
            .collect(),
    };
    let only = only_account(plan).map(|name| format!("metadata.name={name}"));
    for place in places.iter().take(MAX_WATCHES) {
        // Of several namespaces one that is refused must not speak for the others.
        if plan.patches_accounts() && places.len() == 1 {
            start(
                Kind::Accounts,
                format!("{place}/serviceaccounts"),
                only.clone(),
            );
        }
        let mut names: Vec<&str> = plan.secrets.iter().map(|secret| &*secret.name).collect();
        names.sort_unstable();
        names.dedup();
        for name in names
            .into_iter()
            .filter(|n| !n.contains(NAMESPACE))
            .take(MAX_WATCHES)
        {
            start(
                Kind::Secrets,
                format!("{place}/secrets"),
                Some(format!("metadata.name={name}")),
            );
        }
    }
}

/// The one service account that all targets mean, if there is only one.
fn only_account(plan: &Plan) -> Option<&str> {
    let mut rules = plan
        .secrets
        .iter()
        .map(|secret| &secret.accounts)
        .filter(|r| !r.is_none());
    let first = rules.next()?;
    let [name] = &first.names[..] else {
        return None;
    };
    let simple = !first.all && first.selector.is_none() && rules.all(|rule| rule == first);
    simple.then_some(name)
}

async fn translate(kind: Kind, mut changes: mpsc::Receiver<Change>, tell: mpsc::Sender<Heard>) {
    while let Some(change) = changes.recv().await {
        let heard = match (kind, change) {
            (Kind::Namespaces, Change::There(object)) => Heard::Namespace(object),
            (Kind::Namespaces, Change::Gone(_, name)) => Heard::NoNamespace(name),
            (Kind::Namespaces, Change::Listed) => Heard::NamespacesListed,
            (Kind::Namespaces, Change::Refused) => {
                tracing::error!("no right to list and watch namespaces: name them literally");
                continue;
            }
            (Kind::Accounts, Change::There(object)) => Heard::Account(object),
            (Kind::Accounts, Change::Gone(namespace, name)) => Heard::NoAccount(namespace, name),
            (Kind::Accounts, Change::Listed) => Heard::AccountsListed(true),
            (Kind::Accounts, Change::Refused) => Heard::AccountsListed(false),
            (Kind::Secrets, Change::There(object)) => Heard::Secret {
                namespace: object.metadata.namespace,
                name: object.metadata.name,
                version: object.metadata.resource_version,
            },
            (Kind::Secrets, Change::Gone(namespace, name)) => Heard::Secret {
                namespace,
                name,
                version: String::new(),
            },
            // Edits are found by the periodic look then.
            (Kind::Secrets, Change::Listed | Change::Refused) => continue,
        };
        if tell.send(heard).await.is_err() {
            return;
        }
    }
}

/// A watch is a connection's worth of work for the server.
const MAX_WATCHES: usize = 16;
