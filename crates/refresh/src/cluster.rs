//! The Kubernetes API, as far as it is used: a client with a pace, a deadline for every request, and
//! errors that say what to do next.
//!
//! Connection, trust and authentication are kube's, and so are the requests, from its types. They are
//! sent here: with bounds that kube's own calls lack, and for metadata alone where that is enough, so
//! that a cluster of thousands of namespaces is never held in memory.

mod accounts;
mod call;
mod client;
mod connect;
mod error;
mod events;
mod kubernetes_account;
mod leases;
mod objects;
mod pace;
mod secrets;
mod time;
mod token_cache;
mod watch;

pub use client::Cluster;
pub use connect::{ConnectError, connect};
pub(crate) use error::{ClusterError, ClusterErrorKind};
pub(crate) use events::{EventBudget, EventReason};
pub use kubernetes_account::KubernetesAccount;
pub(crate) use kubernetes_account::TokenError;
pub(crate) use objects::{Collection, Object};
pub(crate) use secrets::{SecretContent, StoredSecret};
pub(crate) use time::timestamp;
pub(crate) use watch::{WatchChange, watch};
