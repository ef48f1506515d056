//! A node's kubelet and its credential provider plugins: where each kind of node has them, what has to
//! change so that a kubelet runs a plugin, and the way back.
//!
//! [`plan_installation`] and [`plan_removal`] read a [`Tree`] and change nothing; a [`Plan`] shows its
//! changes ([`unified`]); [`apply`] carries it out, restarts the [`Service`], and puts everything back
//! when the kubelet does not become healthy.

mod addition;
mod apply;
mod base;
mod change;
mod diff;
mod entries;
mod environment_file;
mod error;
mod flags;
mod found;
mod fuse;
mod install;
mod kubelet_flags;
mod layout;
mod lines;
mod merge;
mod new_entry;
mod openrc;
mod plan;
mod record;
mod role;
mod service;
mod service_unit;
mod state;
mod targets;
#[cfg(test)]
mod testing;
mod tree;
mod uninstall;
mod unit;
mod view;
mod wish;
mod words;

#[cfg(test)]
mod tests;

pub use addition::{NotAdded, add_entries};
pub use apply::{Check, apply};
pub use change::Change;
pub use diff::unified;
pub use entries::Entries;
pub use error::NodeError;
pub use flags::ProviderPaths;
pub use install::plan_installation;
pub use kubelet_flags::kubelet_flags;
pub use layout::{MICROK8S_FLAGS, RANCHER_BIN_DIR, RANCHER_CONFIG, SERVICES};
pub use new_entry::NewEntry;
pub use plan::Plan;
pub use role::Role;
pub use service::{Restarted, Service, ServiceManager};
pub use service_unit::ServiceUnit;
pub use state::{FileContent, FileState};
pub use tree::Tree;
pub use uninstall::plan_removal;
pub use wish::{Plugin, Wish};
