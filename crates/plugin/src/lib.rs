//! The main function of every credential provider plugin, and its three faces: the kubelet's exec
//! protocol, docker's credential helper protocol, and `token` for people.
//!
//! A plugin's own main function is one call of [`main`] with its cloud's
//! [`ProviderSpec`](regcred_core::ProviderSpec). The faces turn what a provider issued into the form
//! their reader wants; providers know none of these forms.

mod cache_duration;
mod command_line;
mod copied;
mod crypto;
pub mod docker_file;
pub mod exit_code;
mod face;
mod failure;
#[cfg(test)]
mod fake;
mod logging;
pub mod output;
mod run;
mod source;
mod stdin;
mod vars;

pub use copied::{Copied, CopyError};
pub use crypto::install_crypto;
pub use face::import::Import;
pub use logging::{init_json_logging, init_logging};
pub use run::{main, run_as, run_helper, run_import, run_token};
pub use source::{Source, block_on, would_serve};
pub use vars::VARS;
