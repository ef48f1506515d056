//! Keeps registry logins fresh where a kubelet plugin cannot: pull secrets in Kubernetes, the lists
//! of service accounts that name them, and docker configuration files.
//!
//! A [`Config`] becomes a [`Plan`]; a [`Refresher`] processes its objects one by one, either once or as
//! a daemon. Tokens come from the providers, one for each registry however many objects there are.

mod backoff;
mod cli;
mod cluster;
mod conclusion;
mod config;
mod daemon;
mod digest;
mod error;
mod failure;
mod life;
mod names;
mod plan;
mod refresher;
mod report;
mod run;
mod status;
mod tokens;

pub use cluster::{Cluster, connect};
pub use conclusion::{exit, exit_code};
pub use config::{Config, ConfigError, vars};
pub use daemon::Handle;
pub use error::RunError;
pub use failure::RefreshFailure;
pub use plan::Plan;
pub use refresher::{Mode, Refresher};
pub use report::{Action, Report};
pub use run::main;
