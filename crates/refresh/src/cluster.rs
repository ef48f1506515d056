//! The Kubernetes API, as far as it is used: a client with a pace, a deadline for every request, and
//! errors that say what to do next.
//!
//! Connection, trust and authentication are kube's, and so are the requests, from its types. They are
//! sent here: with bounds that kube's own calls lack, and for metadata alone where that is enough, so
//! that a cluster of thousands of namespaces is never held in memory.

mod accounts;
mod api_user;
mod client;
mod connect;
mod error;
mod events;
mod fence;
mod lease;
mod list;
mod object;
mod pace;
mod request_counts;
mod secrets;
#[cfg(test)]
pub(crate) mod testing;
mod transport;
mod watch;

pub use client::Cluster;
pub(crate) use client::timestamp;
pub use connect::connect;
pub(crate) use error::{ClusterError, ClusterErrorKind, ClusterResult, REASONS};
pub(crate) use events::EventReason;
pub(crate) use object::{Collection, Object};
pub(crate) use request_counts::RequestCounts;
pub(crate) use secrets::{SecretContent, StoredSecret};
pub(crate) use watch::{ClusterChange, WatchChange, watch};
